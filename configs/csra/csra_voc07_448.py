# CSRA, ResNet-101, PASCAL VOC 2007 at 448: one branch. Published: 94.7 mAP.
_base_ = [
    '../_base_/models/csra_r101.py',
    '../_base_/datasets/voc07_csra_448.py',
    '../_base_/schedules/csra.py',
    '../_base_/default_runtime.py',
]

model = dict(head=dict(num_heads=1, lam=0.1))
param_scheduler = _base_.param_scheduler
param_scheduler[1].step_size = 4
