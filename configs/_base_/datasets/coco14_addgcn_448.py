# MS-COCO 2014 as ADD-GCN uses it: classes by name, images without annotation dropped
# (82,081 train and 40,137 val images of 82,783 and 40,504).
_base_ = ['./coco14.py', '../pipelines/addgcn_448.py']

__rules = dict(class_order='name', keep_unlabelled=False)
train_dataloader = dict(
    drop_last=True,  # a last batch of one image would stop ADD-GCN's global BatchNorm
    dataset=dict(**__rules, pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(**__rules, pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
