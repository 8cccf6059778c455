# PASCAL VOC 2007 with ASL's transforms at 448.
_base_ = ['./voc07.py', '../pipelines/asl_448.py']

train_dataloader = dict(batch_size=128, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
