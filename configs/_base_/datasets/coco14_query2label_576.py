# MS-COCO 2014 as Query2Label uses it, at 576.
_base_ = ['./coco14_by_id_all.py', '../pipelines/query2label_576.py']

train_dataloader = dict(batch_size=64, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
