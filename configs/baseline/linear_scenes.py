# The linear baseline beside ../addgcn/addgcn_scenes.py: same backbone, data and budget.
_base_ = [
    '../_base_/datasets/scenes.py',
    '../_base_/schedules/scenes.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='ResNet', depth=18, stem_channels=16, base_channels=16
    ),
    head=dict(type='mlgcn.LinearHead', num_classes=None, in_channels=128, mean_over_classes=True),
)
