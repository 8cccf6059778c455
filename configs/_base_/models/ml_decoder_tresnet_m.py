# ML-Decoder on TResNet-M, one query per class (for up to 100 classes).
_base_ = './asl_tresnet_m.py'

model = dict(
    head=dict(
        _delete_=True, type='mlgcn.MLDecoderHead', num_classes=None, in_channels=2048,
        embed_dim=768, num_groups=-1,
        loss=dict(type='mlgcn.ASL', gamma_neg=4, gamma_pos=0, clip=0.05, detach=True, eps=1e-8)))
