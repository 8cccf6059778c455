# The ASL paper's model on TResNet-XL.
_base_ = './asl_tresnet_m.py'

model = dict(backbone=dict(model_name='tresnet_xl'), head=dict(in_channels=2656))
