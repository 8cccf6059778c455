# The built-in data set: 18 classes, 2,400 training and 600 test pictures of 128 x 128, used at 96.
# $MLGCN_DATA/scenes (default: data/scenes) is made by `mlgcn scenes`.
_base_ = '../pipelines/imagenet.py'

data_root = '{{$MLGCN_DATA:data}}/scenes'

__load = [
    dict(type='mlgcn.LoadImage'),
    dict(type='Resize', scale=(96, 96), interpolation='bilinear', backend='pillow'),
]
train_pipeline = [
    *__load,
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    # shifts by up to 12 pixels: small objects matter, so the pictures are not cut or zoomed
    dict(type='RandomCrop', crop_size=96, padding=12, padding_mode='reflect'),
    dict(type='PackInputs'),
]
test_pipeline = [*__load, dict(type='PackInputs')]

__coco = dict(type='mlgcn.CocoMultiLabel', data_root=data_root)
__loader = dict(num_workers=1, persistent_workers=True)
train_dataloader = dict(
    **__loader, batch_size=32, drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**__coco, ann_file='annotations/instances_train.json', data_prefix='train',
                 pipeline=train_pipeline))
val_dataloader = dict(
    **__loader, batch_size=50,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**__coco, ann_file='annotations/instances_val.json', data_prefix='val',
                 pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type='mlgcn.MultiLabelScores', protocol='addgcn')
test_evaluator = val_evaluator
