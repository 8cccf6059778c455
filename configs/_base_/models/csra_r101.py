# CSRA on ResNet-101 with the branches and weight of COCO; the loss is the mean over classes, batch.
_base_ = './resnet101.py'

model = dict(
    head=dict(type='mlgcn.CSRAHead', num_classes=None, in_channels=2048, num_heads=4, lam=0.5))
