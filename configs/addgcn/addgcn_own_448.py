# ADD-GCN, ResNet-101, your own photographs at 448: give own.train=... and own.val=... (README.md).
_base_ = [
    '../_base_/models/addgcn_r101.py',
    '../_base_/datasets/own_448.py',
    '../_base_/schedules/addgcn.py',
    '../_base_/default_runtime.py',
]
