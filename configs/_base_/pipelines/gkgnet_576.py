# GKGNet's images at 576 x 576: transforms and metrics. Published on 8 GPUs with 16 images each.
# The published config names RepeatAugSampler where nothing reads it: it was never used. To use it:
# --cfg-options train_dataloader.sampler.type=RepeatAugSampler
_base_ = './imagenet.py'

val_evaluator = dict(type='mlgcn.MultiLabelScores', protocol='gkgnet')
test_evaluator = val_evaluator

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
