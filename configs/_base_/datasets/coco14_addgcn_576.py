# MS-COCO 2014 as ADD-GCN uses it, trained at 448 and tested at 576: one published checkpoint
# serves both test sizes.
_base_ = './coco14_addgcn_448.py'

test_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(type='Resize', scale=(576, 576), interpolation='bilinear', backend='pillow'),
    dict(type='PackInputs'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
