# ADD-GCN on ResNet-101. The torchvision weights are the V1 ones, as published. The number of
# classes comes from the data.
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
        type='mlgcn.ADDGCNHead',
        num_classes=None,
        in_channels=2048,
        node_channels=1024,
        loss=dict(type='mlgcn.BinaryCrossEntropy'),
    ),
)
