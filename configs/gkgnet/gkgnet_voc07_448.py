# GKGNet-s, PASCAL VOC 2007 at 448. Published: 96.8 mAP.
_base_ = [
    '../_base_/models/gkgnet_s_448.py',
    '../_base_/datasets/voc07_gkgnet_448.py',
    '../_base_/schedules/gkgnet.py',
    '../_base_/default_runtime.py',
]
