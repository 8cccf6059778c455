# MS-COCO 2014, without a pipeline: classes by name, images without annotation dropped
# (82,081 train and 40,137 val images of 82,783 and 40,504).
_base_ = './coco14.py'

train_dataloader = dict(dataset=dict(class_order='name', keep_unlabelled=False))
val_dataloader = train_dataloader
test_dataloader = val_dataloader
