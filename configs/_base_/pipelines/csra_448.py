# CSRA's images at 448 x 448: transforms and metrics. Published on one GPU with 16 images.
_base_ = './unit_range.py'

train_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='RandomResizedCrop', scale=448, crop_ratio_range=(0.7, 1.0),
        interpolation='bilinear', backend='pillow'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='Resize', scale=(448, 448), interpolation='bilinear', backend='pillow'),
    dict(type='PackInputs'),
]

val_evaluator = dict(type='mlgcn.MultiLabelScores', protocol='csra')
test_evaluator = val_evaluator
