# GKGNet-s: Pyramid ViG with group KNN, the label graph, its head and losses. The number of classes
# comes from the data. `img_size` is what the position embedding belongs to; any size runs.
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='mlgcn.PyramidViG',
        arch='s',
        num_groups=2,
        img_size=576,
        out_indices=(0, 1, 2, 3),
        drop_path_rate=0.1,
        # ImageNet weights of Pyramid ViG's authors, see checkpoint/README.md
        init_cfg=dict(type='Pretrained', checkpoint='./checkpoint/pvig_s_82.1.pth.tar'),
    ),
    neck=dict(
        type='mlgcn.LabelGraphNeck',
        num_classes=None,
        in_channels=(80, 160, 400, 640),
        k=9,
        num_groups=2,
        drop_path_rates=(0.0, 0.1 * 2 / 11, 0.1 * 4 / 11, 0.1 * 10 / 11),
    ),
    head=dict(
        type='mlgcn.GKGHead',
        num_classes=None,
        in_channels=640,
        loss=dict(
            bce_loss=dict(type='mlgcn.BinaryCrossEntropy', label_smoothing=0.1),
            asy_loss=dict(
                type='AsymmetricLoss', gamma_pos=0.0, gamma_neg=2.0, clip=0.05, loss_weight=10.0
            ),
        ),
    ),
)
