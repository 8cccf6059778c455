# The linear baseline (global max pooling, ResNet-101) beside ../addgcn/addgcn_coco_448.py.
_base_ = [
    '../_base_/models/linear_r101.py',
    '../_base_/datasets/coco14_addgcn_448.py',
    '../_base_/schedules/addgcn.py',
    '../_base_/default_runtime.py',
]
