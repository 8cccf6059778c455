# Own photographs on a small frozen backbone: everything but neck, head and schedule. Pictures are
# squashed to own.size and mirrored at random, nothing more, so that `mlgcn features` can store
# all that training sees: --features DIR. Scores and predictions are means over picture and mirror
# image, in twice the time; `model.type=ImageClassifier` switches that off.
_base_ = ['../datasets/own.py', '../default_runtime.py']

own = dict(size=320)

# The map at stride 16 (112 channels) and the last one with the backbone's last 1x1 convolution
# (stride 32, 1,280 channels).
model = dict(
    type='mlgcn.MirrorAveragedClassifier',
    backbone=dict(
        type='mlgcn.TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        out_indices=(3,),
        frozen=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='checkpoint/tf_efficientnet_lite0_imagenet.pth'
        ),
    ),
)

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
