# Images at 224 x 224 for EfficientNet-Lite0.
_base_ = './addgcn_448.py'

data_preprocessor = dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5])
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].update(size=224, squash=288)
test_pipeline[1].scale = (224, 224)
