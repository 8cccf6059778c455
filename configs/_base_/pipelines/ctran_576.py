# C-Tran's images at 576 x 576: squashed to 640, one crop of five sizes (published with equal
# chances) resized to 576; tested on the centre 576 of 640, so the outer 5 % of every side are not
# seen.
_base_ = './imagenet.py'

__squash = [
    dict(type='mlgcn.LoadImage'),
    dict(type='Resize', scale=(640, 640), interpolation='bilinear', backend='pillow'),
]
train_pipeline = [
    *__squash,
    dict(
        type='RandomChoice',
        transforms=[[dict(type='RandomCrop', crop_size=s)] for s in (640, 576, 512, 384, 320)]),
    dict(type='Resize', scale=(576, 576), interpolation='bilinear', backend='pillow'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    *__squash,
    dict(type='CenterCrop', crop_size=576),
    dict(type='PackInputs'),
]

val_evaluator = dict(type='mlgcn.MultiLabelScores', protocol='sklearn')
test_evaluator = val_evaluator
