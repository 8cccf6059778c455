# ML-Decoder, its TResNet-XL, MS-COCO 2014 at 640. Published: 91.4 mAP.
_base_ = [
    '../_base_/models/ml_decoder_tresnet_l.py',
    '../_base_/datasets/coco14_ml_decoder_640.py',
    '../_base_/schedules/ml_decoder.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(layers=[3, 8, 34, 5]))
