# MS-COCO 2014, without a pipeline: classes by id, images without annotation stay
# (82,783 train and 40,504 val images).
_base_ = './coco14.py'

train_dataloader = dict(dataset=dict(class_order='id', keep_unlabelled=True))
val_dataloader = train_dataloader
test_dataloader = val_dataloader
