# MS-COCO 2014 as ADD-GCN uses it: classes by name, images without annotation dropped
# (82,081 train and 40,137 val images of 82,783 and 40,504).
# $MLGCN_DATA/coco (default: data/coco) holds train2014/, val2014/ and annotations/.
_base_ = './addgcn_448.py'

data_root = '{{$MLGCN_DATA:data}}/coco'

train_dataloader = dict(
    dataset=dict(
        type='mlgcn.CocoMultiLabel',
        data_root=data_root,
        ann_file='annotations/instances_train2014.json',
        data_prefix='train2014',
        class_order='name',
        keep_unlabelled=False,
        pipeline=_base_.train_pipeline))
val_dataloader = dict(
    dataset=dict(
        type='mlgcn.CocoMultiLabel',
        data_root=data_root,
        ann_file='annotations/instances_val2014.json',
        data_prefix='val2014',
        class_order='name',
        keep_unlabelled=False,
        pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
