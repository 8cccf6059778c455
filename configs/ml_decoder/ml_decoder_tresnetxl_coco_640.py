# ML-Decoder, its TResNet-XL, MS-COCO 2014 at 640. Published: 91.4 mAP.
_base_ = './ml_decoder_tresnetl_coco_448.py'

model = dict(backbone=dict(layers=[3, 8, 34, 5]))
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].scale = test_pipeline[1].scale = (640, 640)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
