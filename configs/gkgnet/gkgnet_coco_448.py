# GKGNet-s, MS-COCO 2014 at 448. Published: 86.7 mAP.
_base_ = [
    '../_base_/models/gkgnet_s.py',
    '../_base_/datasets/coco_448_gkgnet.py',
    '../_base_/schedules/gkgnet.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(img_size=448))
