# ML-GCN on ResNet-101. The published label embeddings (GloVe, one row of 300 per class in the order
# of the classes) are not part of the released weights: give yours as a .npy file,
# --cfg-options model.head.embeddings=FILE; without it they are random.
_base_ = './resnet101.py'

model = dict(
    head=dict(
        type='mlgcn.MLGCNHead', num_classes=None, in_channels=2048, hidden=1024, embed_channels=300,
        threshold=0.4))
