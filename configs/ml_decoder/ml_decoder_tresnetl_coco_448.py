# ML-Decoder, its TResNet-L (bottlenecks everywhere), MS-COCO 2014 at 448. Published: 90.1 mAP.
_base_ = [
    '../_base_/models/ml_decoder_tresnet_m.py',
    '../_base_/datasets/coco14_asl_448.py',
    '../_base_/schedules/ml_decoder.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(model_name='tresnet_v2_l'))
train_dataloader = dict(batch_size=56)
val_evaluator = dict(protocol='ml_decoder')
test_evaluator = val_evaluator
