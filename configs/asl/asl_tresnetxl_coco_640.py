# ASL, TResNet-XL, MS-COCO 2014 at 640. Published: 88.4 mAP.
_base_ = [
    '../_base_/models/asl_tresnet_xl.py',
    '../_base_/datasets/coco14_asl_640.py',
    '../_base_/schedules/asl.py',
    '../_base_/default_runtime.py',
]
