# ML-Decoder on its TResNet-L (bottlenecks everywhere).
_base_ = './ml_decoder_tresnet_m.py'

model = dict(backbone=dict(model_name='tresnet_v2_l'))
