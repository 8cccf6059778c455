# MS-COCO 2014 as ML-GCN uses it: classes by name, images without annotation dropped.
_base_ = ['./coco14.py', '../pipelines/ml_gcn_448.py']

__rules = dict(class_order='name', keep_unlabelled=False)
train_dataloader = dict(dataset=dict(**__rules, pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(**__rules, pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
