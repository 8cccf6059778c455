# ADD-GCN, ResNet-101, MS-COCO 2014, trained at 448, tested at 576. Published: 85.2 mAP.
_base_ = [
    '../_base_/models/addgcn_r101.py',
    '../_base_/datasets/coco14_addgcn_576.py',
    '../_base_/schedules/addgcn.py',
    '../_base_/default_runtime.py',
]
