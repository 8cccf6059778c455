# ML-GCN's images at 448 x 448: ADD-GCN's, but nothing is resized before the crop.
_base_ = './addgcn_448.py'

train_pipeline = _base_.train_pipeline
train_pipeline[1].squash = None
