# The linear baseline (global max pooling, ResNet-101), trained at 448, tested at 576. Published:
# 80.0 mAP.
_base_ = [
    '../_base_/models/linear_r101.py',
    '../_base_/datasets/coco14_addgcn_576.py',
    '../_base_/schedules/addgcn.py',
    '../_base_/default_runtime.py',
]
