# MS-COCO 2014 as C-Tran uses it: classes by id, images without annotation stay.
_base_ = ['./coco14.py', '../pipelines/ctran_576.py']

__rules = dict(class_order='id', keep_unlabelled=True)
train_dataloader = dict(dataset=dict(**__rules, pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(**__rules, pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
