# ML-Decoder, TResNet-M, MS-COCO 2014 at 224. Published: 84.2 mAP.
_base_ = [
    '../_base_/models/ml_decoder_tresnet_m.py',
    '../_base_/datasets/coco14_ml_decoder_224.py',
    '../_base_/schedules/ml_decoder.py',
    '../_base_/default_runtime.py',
]
