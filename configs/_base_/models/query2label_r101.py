# Query2Label on ResNet-101: one encoder and two decoder layers of width 2048. Stem and stage 1 are
# frozen, and all of the batch norms, as published.
_base_ = './resnet101.py'

model = dict(
    backbone=dict(frozen_stages=1, norm_eval=True),
    head=dict(
        type='mlgcn.Query2LabelHead', num_classes=None, in_channels=2048, hidden=8192, num_heads=4,
        # published: 1,000 times the mean over classes and batch, probabilities floored at 1e-5
        loss=dict(type='mlgcn.ASL', gamma_neg=2, gamma_pos=0, clip=0, detach=True, eps=1e-5,
                  reduction='mean', loss_weight=1000.0)))
