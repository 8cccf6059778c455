# ADD-GCN, ResNet-101, MS-COCO 2014 at 448. Published: 84.2 mAP (addgcn protocol).
_base_ = [
    '../_base_/models/addgcn_r101.py',
    '../_base_/datasets/coco14_addgcn_448.py',
    '../_base_/schedules/addgcn.py',
    '../_base_/default_runtime.py',
]
