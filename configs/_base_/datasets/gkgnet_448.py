# GKGNet's images at 448 x 448.
_base_ = './gkgnet_576.py'

train_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='mlgcn.CropMix', size=448, prob=0.5),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='RandomErasing',
        erase_prob=0.5,
        mode='rand',
        min_area_ratio=0.02,
        max_area_ratio=1 / 3,
        fill_color=[103.53, 116.28, 123.675],
        fill_std=[57.375, 57.12, 58.395]),
    dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, backend='cv2'),
    dict(type='mlgcn.TrivialAugment'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='Resize', scale=(448, 448), interpolation='bicubic', backend='pillow'),
    dict(type='PackInputs'),
]
