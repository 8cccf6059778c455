# CSRA's images at 448 x 448: tested as ADD-GCN's, pixels in [0, 1]. Published on one GPU with 16
# images.
_base_ = './addgcn_448.py'

data_preprocessor = dict(mean=[0, 0, 0], std=[255, 255, 255])
train_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='RandomResizedCrop', scale=448, crop_ratio_range=(0.7, 1.0),
        interpolation='bilinear', backend='pillow'),
    dict(type='PackInputs'),
]
val_evaluator = dict(protocol='csra')
test_evaluator = val_evaluator
