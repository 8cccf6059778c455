# PASCAL VOC 2007 with ML-GCN's transforms at 448.
_base_ = ['./voc07.py', '../pipelines/ml_gcn_448.py']

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
