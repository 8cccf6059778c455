# The papers' baseline: ResNet-101, global max pooling, one linear layer, the same loss.
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='ResNet',
        depth=101,
        num_stages=4,
        out_indices=(3,),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'),
    ),
    head=dict(
        type='mlgcn.LinearHead',
        num_classes=None,
        in_channels=2048,
        pool='max',
        loss=dict(type='mlgcn.BinaryCrossEntropy'),
        mean_over_classes=True,
    ),
)
