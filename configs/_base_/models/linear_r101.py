# The papers' baseline: ADD-GCN's backbone and loss, global max pooling, one linear layer.
_base_ = './resnet101.py'

model = dict(
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=2048, pool='max',
        loss=dict(type='mlgcn.BinaryCrossEntropy'), mean_over_classes=True))
