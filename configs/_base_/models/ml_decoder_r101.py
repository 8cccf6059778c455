# ML-Decoder on ResNet-101, one query per class.
_base_ = './resnet101.py'

model = dict(
    head=dict(
        type='mlgcn.MLDecoderHead', num_classes=None, in_channels=2048, embed_dim=768,
        loss=dict(type='mlgcn.ASL', gamma_neg=4, gamma_pos=0, clip=0.05, detach=True, eps=1e-8)))
