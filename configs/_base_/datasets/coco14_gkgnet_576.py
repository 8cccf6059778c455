# MS-COCO 2014 as GKGNet uses it, at 576.
_base_ = ['./coco14_gkgnet.py', '../pipelines/gkgnet_576.py']

train_dataloader = dict(dataset=dict(dataset=dict(pipeline=_base_.train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
