# ASL, TResNet-L, MS-COCO 2014 at 448. Published: 86.6 mAP.
_base_ = [
    '../_base_/models/asl_tresnet_l.py',
    '../_base_/datasets/coco14_asl_448.py',
    '../_base_/schedules/asl.py',
    '../_base_/default_runtime.py',
]
