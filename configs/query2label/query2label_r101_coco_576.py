# Query2Label, ResNet-101, MS-COCO 2014 at 576. Published: 86.5 mAP.
_base_ = './query2label_r101_coco_448.py'

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].scale = test_pipeline[1].scale = (576, 576)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
