# ML-Decoder on ResNet-101 (ImageNet), MS-COCO 2014 at 448: no published figure (users report 81.1).
_base_ = [
    '../_base_/models/ml_decoder_r101.py',
    '../_base_/datasets/coco14_ml_decoder_448.py',
    '../_base_/schedules/ml_decoder.py',
    '../_base_/default_runtime.py',
]

data_preprocessor = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
