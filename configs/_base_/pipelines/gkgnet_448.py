# GKGNet's images at 448 x 448.
_base_ = './gkgnet_576.py'

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].size = 448
test_pipeline[1].scale = (448, 448)
