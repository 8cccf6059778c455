# ASL, TResNet-M, MS-COCO 2014 at 224. Published: 81.8 mAP (started from ImageNet-21k).
_base_ = [
    '../_base_/models/asl_tresnet_m.py',
    '../_base_/datasets/coco14_asl_224.py',
    '../_base_/schedules/asl.py',
    '../_base_/default_runtime.py',
]
