# ML-Decoder on TResNet-M, one query per class (for up to 100 classes).
_base_ = './asl_tresnet_m.py'

model = dict(
    head=dict(
        _delete_=True, type='mlgcn.MLDecoderHead', num_classes=None, in_channels=2048,
        embed_dim=768, num_groups=-1,
        # published: the sum over classes and batch, not its mean over the batch of 56
        loss=dict(type='AsymmetricLoss', gamma_pos=0, gamma_neg=4, clip=0.05, loss_weight=56.0)))
