# ADD-GCN on ResNet-101. The number of classes comes from the data.
_base_ = './resnet101.py'

model = dict(
    head=dict(
        type='mlgcn.ADDGCNHead', num_classes=None, in_channels=2048, node_channels=1024,
        loss=dict(type='mlgcn.BinaryCrossEntropy')))
