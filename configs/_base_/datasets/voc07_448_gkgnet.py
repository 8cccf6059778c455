# PASCAL VOC 2007 with GKGNet's transforms at 448, trained on trainval and tested on test: difficult
# objects count as present in training and are left out in testing.
# $MLGCN_DATA/VOCdevkit/VOC2007 (default: data/VOCdevkit/VOC2007) is the unpacked devkit.
_base_ = './gkgnet_448.py'

data_root = '{{$MLGCN_DATA:data}}/VOCdevkit/VOC2007'

train_dataloader = dict(
    dataset=dict(
        # every class is in more than 1 % of VOC's images: no class-balanced sampling
        type='mlgcn.VOCMultiLabel',
        data_root=data_root,
        split='trainval',
        difficult='positive',
        pipeline=_base_.train_pipeline))
val_dataloader = dict(
    dataset=dict(
        type='mlgcn.VOCMultiLabel',
        data_root=data_root,
        split='test',
        difficult='ignore',
        pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
