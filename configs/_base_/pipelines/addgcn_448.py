# ADD-GCN's images at 448 x 448: transforms and metrics. Published on two GPUs with 8 images each.
_base_ = './imagenet.py'

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

val_evaluator = dict(type='mlgcn.MultiLabelScores', protocol='addgcn')
test_evaluator = val_evaluator
