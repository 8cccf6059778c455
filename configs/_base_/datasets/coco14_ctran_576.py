# MS-COCO 2014 as C-Tran uses it.
_base_ = ['./coco14_by_id_all.py', '../pipelines/ctran_576.py']

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
