# Query2Label's images at 448 x 448: as ASL's, normalised for ImageNet. The published script meant
# to cut out half the side, but cut 3 x 3 pixels: no cut-out here.
_base_ = './asl_448.py'

train_pipeline = _base_.train_pipeline
train_pipeline.pop(2)

data_preprocessor = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
val_evaluator = dict(protocol='query2label')
test_evaluator = val_evaluator
