# ASL's and ML-Decoder's images at 640 x 640.
_base_ = './asl_448.py'

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].scale = test_pipeline[1].scale = (640, 640)
