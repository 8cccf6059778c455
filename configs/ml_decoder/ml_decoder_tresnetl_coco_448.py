# ML-Decoder, its TResNet-L (bottlenecks everywhere), MS-COCO 2014 at 448. Published: 90.1 mAP.
_base_ = [
    '../_base_/models/ml_decoder_tresnet_l.py',
    '../_base_/datasets/coco14_ml_decoder_448.py',
    '../_base_/schedules/ml_decoder.py',
    '../_base_/default_runtime.py',
]
