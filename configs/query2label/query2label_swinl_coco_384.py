# Query2Label, Swin-L (ImageNet-22k), MS-COCO 2014 at 384. Published: 90.5 mAP.
_base_ = './query2label_r101_coco_448.py'

model = dict(
    backbone=dict(
        _delete_=True, type='mlgcn.TIMMBackbone', model_name='swin_large_patch4_window12_384'),
    head=dict(in_channels=1536))
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].scale = test_pipeline[1].scale = (384, 384)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
