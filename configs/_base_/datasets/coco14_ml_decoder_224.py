# MS-COCO 2014 as ML-Decoder uses it, at 224: ASL's images, its own batches and metrics.
_base_ = './coco14_asl_224.py'

train_dataloader = dict(batch_size=56)
val_evaluator = dict(protocol='ml_decoder')
test_evaluator = val_evaluator
