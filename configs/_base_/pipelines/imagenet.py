# The normalisation that ImageNet's weights expect.
data_preprocessor = dict(
    mean=[123.675, 116.28, 103.53],  # RGB
    std=[58.395, 57.12, 57.375],
    to_rgb=True)
