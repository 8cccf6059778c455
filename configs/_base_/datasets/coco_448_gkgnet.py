# MS-COCO 2014 as GKGNet uses it, at 448: see coco_576_gkgnet.py.
_base_ = './gkgnet_448.py'

data_root = '{{$MLGCN_DATA:data}}/coco'

train_dataloader = dict(
    dataset=dict(
        type='ClassBalancedDataset',
        oversample_thr=0.01,
        dataset=dict(
            type='mlgcn.CocoMultiLabel',
            data_root=data_root,
            ann_file='annotations/instances_train2014.json',
            data_prefix='train2014',
            class_order='id',
            keep_unlabelled=True,
            pipeline=_base_.train_pipeline)))
val_dataloader = dict(
    dataset=dict(
        type='mlgcn.CocoMultiLabel',
        data_root=data_root,
        ann_file='annotations/instances_val2014.json',
        data_prefix='val2014',
        class_order='id',
        keep_unlabelled=True,
        pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
