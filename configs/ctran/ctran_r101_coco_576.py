# C-Tran, ResNet-101, MS-COCO 2014 at 576. Published: 85.1 mAP.
_base_ = [
    '../_base_/models/ctran_r101.py',
    '../_base_/datasets/coco14_ctran_576.py',
    '../_base_/schedules/ctran.py',
    '../_base_/default_runtime.py',
]
