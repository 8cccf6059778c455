# MS-COCO 2014 as ASL and ML-Decoder use it, at 640.
_base_ = ['./coco14_by_id.py', '../pipelines/asl_640.py']

train_dataloader = dict(batch_size=128, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
