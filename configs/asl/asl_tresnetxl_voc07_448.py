# ASL, TResNet-XL, PASCAL VOC 2007 at 448. Published: 96.0 mAP (its recipe is not).
_base_ = [
    '../_base_/models/asl_tresnet_xl.py',
    '../_base_/datasets/voc07_asl_448.py',
    '../_base_/schedules/asl.py',
    '../_base_/default_runtime.py',
]
