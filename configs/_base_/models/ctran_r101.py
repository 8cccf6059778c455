# C-Tran on ResNet-101, with random known labels in training.
_base_ = './resnet101.py'

model = dict(
    head=dict(
        type='mlgcn.CTranHead', num_classes=None, in_channels=2048, num_layers=3, num_heads=4))
