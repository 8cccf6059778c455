# GKGNet-s, MS-COCO 2014 at 448. Published: 86.7 mAP.
_base_ = [
    '../_base_/models/gkgnet_s_448.py',
    '../_base_/datasets/coco14_gkgnet_448.py',
    '../_base_/schedules/gkgnet.py',
    '../_base_/default_runtime.py',
]
