# Own photographs on a small frozen backbone: everything but neck, head and schedule. Pictures are
# squashed to own.size and mirrored at random, nothing more, so that `mlgcn features` can store
# all that training sees: --features DIR.
_base_ = ['../models/lite0_frozen.py', '../datasets/own.py', '../default_runtime.py']

own = dict(size=320)

data_preprocessor = dict(
    mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5], to_rgb=True)
__read = [
    dict(type='mlgcn.LoadImage'),
    dict(type='Resize', scale=(320, 320), interpolation='bilinear', backend='pillow'),
]
train_pipeline = [
    *__read,
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [*__read, dict(type='PackInputs')]

train_dataloader = dict(num_workers=2, drop_last=True, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='mlgcn.MultiLabelScores', protocol='addgcn')
test_evaluator = val_evaluator
