# MS-COCO 2014 as GKGNet uses it, at 576: classes by id, images without annotation stay
# (82,783 train and 40,504 val images).
# $MLGCN_DATA/coco (default: data/coco) holds train2014/, val2014/ and annotations/. The published
# lists (train.data, val_test.data) serve as well: convert them with tools/convert_lists.py and give
# the json as `ann_file`.
_base_ = './gkgnet_576.py'

data_root = '{{$MLGCN_DATA:data}}/coco'

train_dataloader = dict(
    dataset=dict(
        # upstream's repeat factors equal the published ones, 1 for images without labels included
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
