# GKGNet-s, MS-COCO 2014 at 576. Published: 87.65 mAP (gkgnet protocol, 40,504 images).
_base_ = [
    '../_base_/models/gkgnet_s.py',
    '../_base_/datasets/coco14_gkgnet_576.py',
    '../_base_/schedules/gkgnet.py',
    '../_base_/default_runtime.py',
]
