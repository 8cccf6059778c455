# EfficientNet-Lite0 (ImageNet), frozen: checkpoint/README.md says where its weights come from.
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='mlgcn.TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        features_only=True,
        out_indices=(4,),
        frozen=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='checkpoint/tf_efficientnet_lite0_imagenet.pth'
        ),
    ),
)
