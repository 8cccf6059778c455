# The linear baseline beside ../addgcn/addgcn_scenes.py: same backbone, data and budget.
_base_ = [
    '../_base_/datasets/scenes.py',
    '../_base_/schedules/scenes.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='ImageClassifier',
    # narrow; the last stage keeps its resolution: 6 x 6 places for a picture of 96 x 96
    backbone=dict(
        type='ResNet',
        depth=18,
        stem_channels=16,
        base_channels=16,
        strides=(1, 2, 2, 1),
        zero_init_residual=False,  # learns faster from scratch
    ),
    head=dict(
        type='mlgcn.LinearHead',
        num_classes=None,
        in_channels=128,
        pool='avg',
        mean_over_classes=True,
    ),
)
