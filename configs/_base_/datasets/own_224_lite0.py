# Own photographs at 224 x 224 for EfficientNet-Lite0; options as in own.py.
_base_ = ['./own.py', '../pipelines/lite0_224.py']

train_dataloader = dict(
    num_workers=2, drop_last=True, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
