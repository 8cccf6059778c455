# MS-COCO 2014 as ML-GCN uses it.
_base_ = ['./coco14_by_name.py', '../pipelines/ml_gcn_448.py']

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
