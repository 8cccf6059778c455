# MS-COCO 2014 as ADD-GCN uses it, trained at 448 and tested at 576: one published checkpoint
# serves both test sizes.
_base_ = './coco14_addgcn_448.py'

test_pipeline = _base_.test_pipeline
test_pipeline[1].scale = (576, 576)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
