# ML-Decoder on ResNet-101 (ImageNet), MS-COCO 2014 at 448: no published figure (users report 81.1).
_base_ = [
    '../_base_/models/resnet101.py',
    '../_base_/datasets/coco14_asl_448.py',
    '../_base_/schedules/ml_decoder.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        type='mlgcn.MLDecoderHead', num_classes=None, in_channels=2048, embed_dim=768,
        loss=dict(type='mlgcn.ASL', gamma_neg=4, gamma_pos=0, clip=0.05, detach=True, eps=1e-8)))
val_evaluator = dict(protocol='ml_decoder')
test_evaluator = val_evaluator
data_preprocessor = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
train_dataloader = dict(batch_size=56)
