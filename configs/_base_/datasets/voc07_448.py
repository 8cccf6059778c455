# PASCAL VOC 2007 with ADD-GCN's transforms at 448.
_base_ = ['./voc07.py', '../pipelines/addgcn_448.py']

train_dataloader = dict(drop_last=True, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
