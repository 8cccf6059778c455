# Query2Label's images at 576 x 576.
_base_ = './query2label_448.py'

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].scale = test_pipeline[1].scale = (576, 576)
