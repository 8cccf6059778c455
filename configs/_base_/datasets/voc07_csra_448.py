# PASCAL VOC 2007 as CSRA uses it: difficult objects are absent in training, left out of AP.
_base_ = ['./voc07.py', '../pipelines/csra_448.py']

train_dataloader = dict(dataset=dict(difficult='negative', pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
