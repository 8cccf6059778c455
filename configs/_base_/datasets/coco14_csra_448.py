# MS-COCO 2014 as CSRA uses it: classes by id, images without annotation dropped.
_base_ = ['./coco14.py', '../pipelines/csra_448.py']

__rules = dict(class_order='id', keep_unlabelled=False)
train_dataloader = dict(dataset=dict(**__rules, pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(**__rules, pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
