# TResNet-M of the ASL and ML-Decoder papers (timm's, without InPlaceABN), average pooling and one
# linear layer.
model = dict(
    type='ImageClassifier',
    backbone=dict(type='mlgcn.TIMMBackbone', model_name='tresnet_m'),
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=2048, pool='avg',
        # summed over classes and batch, no gradient through the focal weight, as published
        loss=dict(type='mlgcn.ASL', gamma_neg=4, gamma_pos=0, clip=0.05, detach=True, eps=1e-8)))
