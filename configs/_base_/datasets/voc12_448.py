# PASCAL VOC 2012, trained on train and tested on val. The published 95.5 was trained on trainval
# and scored by VOC's server on the test images, whose labels are not public: to train for it, set
# `train_dataloader.dataset.split=trainval` (val is then no longer a test).
# $MLGCN_DATA/VOCdevkit/VOC2012 (default: data/VOCdevkit/VOC2012) is the unpacked devkit.
_base_ = './voc07_448.py'

data_root = '{{$MLGCN_DATA:data}}/VOCdevkit/VOC2012'

train_dataloader = dict(dataset=dict(data_root=data_root, split='train'))
val_dataloader = dict(dataset=dict(data_root=data_root, split='val'))
test_dataloader = val_dataloader
