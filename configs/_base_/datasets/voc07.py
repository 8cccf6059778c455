# PASCAL VOC 2007, without a pipeline: trained on trainval, tested on test. Difficult objects count
# as present in training and are left out of AP in testing, as in ADD-GCN.
# $MLGCN_DATA/VOCdevkit/VOC2007 (default: data/VOCdevkit/VOC2007) is the unpacked devkit.
_base_ = './loaders.py'

data_root = '{{$MLGCN_DATA:data}}/VOCdevkit/VOC2007'

__voc = dict(type='mlgcn.VOCMultiLabel', data_root=data_root)  # __: not a key of the config
train_dataloader = dict(dataset=dict(**__voc, split='trainval', difficult='positive'))
val_dataloader = dict(dataset=dict(**__voc, split='test', difficult='ignore'))
test_dataloader = val_dataloader
