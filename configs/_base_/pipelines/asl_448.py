# ASL's and ML-Decoder's images at 448 x 448: squashed, never flipped, one rectangle cut out.
# RandAugment is upstream's, two operations of strength 9; the published one is another package.
data_preprocessor = dict(mean=[0, 0, 0], std=[255, 255, 255], to_rgb=True)  # to [0, 1]

__squash = [
    dict(type='mlgcn.LoadImage'),
    dict(type='Resize', scale=(448, 448), interpolation='bilinear', backend='pillow'),
]
train_pipeline = [
    *__squash,
    dict(type='mlgcn.CutOut', share=0.5),
    dict(type='RandAugment', policies='timm_increasing', num_policies=2, magnitude_level=9),
    dict(type='PackInputs'),
]
test_pipeline = [*__squash, dict(type='PackInputs')]

val_evaluator = dict(type='mlgcn.MultiLabelScores', protocol='asl')
test_evaluator = val_evaluator
