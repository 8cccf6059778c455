# ADD-GCN's images at 448 x 448: transforms, loaders and metrics, without a data set.
# The data configs beside this file build on it. The number of classes comes from the data.
data_preprocessor = dict(
    mean=[123.675, 116.28, 103.53],  # ImageNet, RGB
    std=[58.395, 57.12, 57.375],
    to_rgb=True)

train_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='mlgcn.MultiScaleCrop', size=448, squash=512),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='Resize', scale=(448, 448), interpolation='bilinear', backend='pillow'),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=16,  # in all: published on two GPUs with 8 images each
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='default_collate'),  # one tensor a batch: all images have one size
    pin_memory=True,
    drop_last=True,  # a last batch of one image would stop ADD-GCN's global BatchNorm
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='default_collate'),
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False))
test_dataloader = val_dataloader

val_evaluator = dict(type='mlgcn.MultiLabelScores', protocol='addgcn')
test_evaluator = val_evaluator
