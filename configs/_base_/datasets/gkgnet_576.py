# GKGNet's images at 576 x 576: transforms, loaders and metrics, without a data set.
# The data configs beside this file build on it.
data_preprocessor = dict(
    mean=[123.675, 116.28, 103.53],  # ImageNet, RGB
    std=[58.395, 57.12, 57.375],
    to_rgb=True)

# In the published order, on BGR uint8 arrays.
train_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='mlgcn.CropMix', size=576, prob=0.5),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='RandomErasing',
        erase_prob=0.5,
        mode='rand',
        min_area_ratio=0.02,
        max_area_ratio=1 / 3,
        fill_color=[103.53, 116.28, 123.675],  # ImageNet's mean and standard deviation, BGR
        fill_std=[57.375, 57.12, 58.395]),
    # factors from 0.6 to 1.4; cv2 as in mmcv 1.x, where Pillow would round differently
    dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, backend='cv2'),
    dict(type='mlgcn.TrivialAugment'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='Resize', scale=(576, 576), interpolation='bicubic', backend='pillow'),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=16,  # on each of 8 GPUs
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='default_collate'),  # one tensor a batch: all images have one size
    pin_memory=True,
    # The published config names RepeatAugSampler where nothing reads it: it was never used. To use
    # it: --cfg-options train_dataloader.sampler.type=RepeatAugSampler
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='default_collate'),
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False))
test_dataloader = val_dataloader

val_evaluator = dict(type='mlgcn.MultiLabelScores', protocol='gkgnet')
test_evaluator = val_evaluator
