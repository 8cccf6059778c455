# Own photographs: classes and their number come from the data. Choose the data with two options:
#
#   --cfg-options own.train=PATH own.val=PATH [own.images=FOLDER] [own.test=PATH]
#
# A PATH, as the shell has it, is one of
#   photos/train.csv                        lines `file,label1|label2`, files relative to the CSV;
#                                           `-label`: absent, `?label`: unknown
#   photos/annotations/instances_train.json COCO; images in photos/train/, else beside the json
#   photos/ImageSets/Main/train.txt         a split of a VOC folder; images in photos/JPEGImages/
#   photos/train                            a folder with Annotations/*.xml and JPEGImages/
# `own.size=224` resizes to that side, `own.group` is for mlgcn compare (docs/compare.md).
# `own.images` is needed only where the images lie elsewhere; without `own.test`, testing uses val.
# `own.unlisted=unknown`: labels that an image does not list are unknown, not absent.
# mlgcn's commands write these options into the data loaders (mlgcn.datasets.use_own_photos).
_base_ = './loaders.py'

own = dict(train='', val='', test='', images='')

train_dataloader = dict(
    dataset=dict(type='mlgcn.OwnPhotos', ann_file='', difficult='positive'))
val_dataloader = dict(dataset=dict(type='mlgcn.OwnPhotos', ann_file='', difficult='ignore'))
test_dataloader = val_dataloader
