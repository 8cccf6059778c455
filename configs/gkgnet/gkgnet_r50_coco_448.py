# The label graph on another backbone: ResNet-50's four stage maps, GKGNet's head and recipe.
_base_ = './gkgnet_coco_448.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(in_channels=(256, 512, 1024, 2048)),
    head=dict(in_channels=2048),
)
