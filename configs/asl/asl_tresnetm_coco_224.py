# ASL, TResNet-M, MS-COCO 2014 at 224. Published: 81.8 mAP (started from ImageNet-21k).
_base_ = [
    '../_base_/models/asl_tresnet_m.py',
    '../_base_/datasets/coco14_asl_448.py',
    '../_base_/schedules/asl.py',
    '../_base_/default_runtime.py',
]

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].scale = test_pipeline[1].scale = (224, 224)
train_dataloader = dict(batch_size=128, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
