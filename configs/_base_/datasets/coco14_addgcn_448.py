# MS-COCO 2014 as ADD-GCN uses it.
_base_ = ['./coco14_by_name.py', '../pipelines/addgcn_448.py']

train_dataloader = dict(
    drop_last=True,  # a last batch of one image would stop ADD-GCN's global BatchNorm
    dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
