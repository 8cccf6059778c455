# A narrow ResNet-18 that learns the built-in scenes from scratch; add a head of 128 channels.
model = dict(
    type='ImageClassifier',
    # the last stage keeps its resolution: 6 x 6 places for a picture of 96 x 96
    backbone=dict(
        type='ResNet', depth=18, stem_channels=16, base_channels=16, strides=(1, 2, 2, 1),
        zero_init_residual=False))  # learns faster from scratch
