# The linear baseline (global max pooling, ResNet-101) beside ../addgcn/addgcn_voc07_448.py.
_base_ = [
    '../_base_/models/linear_r101.py',
    '../_base_/datasets/voc07_448.py',
    '../_base_/schedules/addgcn.py',
    '../_base_/default_runtime.py',
]
