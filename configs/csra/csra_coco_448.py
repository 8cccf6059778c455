# CSRA, ResNet-101, MS-COCO 2014 at 448. Published: 83.3 mAP.
_base_ = [
    '../_base_/models/csra_r101.py',
    '../_base_/datasets/coco14_csra_448.py',
    '../_base_/schedules/csra.py',
    '../_base_/default_runtime.py',
]
