# Own photographs with ADD-GCN's transforms at 448; options as in own.py.
_base_ = ['./own.py', '../pipelines/addgcn_448.py']

train_dataloader = dict(drop_last=True, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
