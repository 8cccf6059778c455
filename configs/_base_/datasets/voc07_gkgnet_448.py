# PASCAL VOC 2007 with GKGNet's transforms at 448. Every class is in more than 1 % of VOC's images:
# no class-balanced sampling.
_base_ = ['./voc07.py', '../pipelines/gkgnet_448.py']

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
