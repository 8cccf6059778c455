# TResNet-M of the ASL and ML-Decoder papers (timm's, without InPlaceABN), average pooling and one
# linear layer.
model = dict(
    type='ImageClassifier',
    backbone=dict(type='mlgcn.TIMMBackbone', model_name='tresnet_m'),
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=2048, pool='avg',
        # published: the sum over classes and batch, not its mean over the batch of 128
        loss=dict(type='AsymmetricLoss', gamma_pos=0, gamma_neg=4, clip=0.05, loss_weight=128.0)))
