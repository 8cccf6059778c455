# MS-COCO 2014, without a pipeline: trained on train2014, tested on val2014.
# $MLGCN_DATA/coco (default: data/coco) holds train2014/, val2014/ and annotations/.
_base_ = './loaders.py'

data_root = '{{$MLGCN_DATA:data}}/coco'

__coco = dict(type='mlgcn.CocoMultiLabel', data_root=data_root)  # __: not a key of the config
train_dataloader = dict(dataset=dict(
    **__coco, ann_file='annotations/instances_train2014.json', data_prefix='train2014'))
val_dataloader = dict(dataset=dict(
    **__coco, ann_file='annotations/instances_val2014.json', data_prefix='val2014'))
test_dataloader = val_dataloader
