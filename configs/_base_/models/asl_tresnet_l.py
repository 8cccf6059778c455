# The ASL paper's model on TResNet-L.
_base_ = './asl_tresnet_m.py'

model = dict(backbone=dict(model_name='tresnet_l'), head=dict(in_channels=2432))
