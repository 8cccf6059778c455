# ResNet-101 with torchvision's V1 weights, from which all published ResNet models here start; add a head
# of 2,048 channels.
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='ResNet', depth=101, num_stages=4, out_indices=(3,),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101')))
