# ML-Decoder, TResNet-M, MS-COCO 2014 at 224. Published: 84.2 mAP.
_base_ = [
    '../_base_/models/ml_decoder_tresnet_m.py',
    '../_base_/datasets/coco14_asl_448.py',
    '../_base_/schedules/ml_decoder.py',
    '../_base_/default_runtime.py',
]

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].scale = test_pipeline[1].scale = (224, 224)
train_dataloader = dict(batch_size=56, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(protocol='ml_decoder')
test_evaluator = val_evaluator
