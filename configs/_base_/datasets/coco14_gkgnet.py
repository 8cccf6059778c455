# MS-COCO 2014 as GKGNet uses it, without a pipeline: classes by id, images without annotation stay
# (82,783 train and 40,504 val images). The published lists (train.data, val_test.data) serve as
# well: convert them with `mlgcn convert` and give the json as `ann_file`.
_base_ = './coco14.py'

__rules = dict(class_order='id', keep_unlabelled=True)
train_dataloader = dict(
    dataset=dict(
        # upstream's repeat factors equal the published ones, 1 for images without labels included
        _delete_=True,
        type='ClassBalancedDataset',
        oversample_thr=0.01,
        dataset=dict(**_base_.train_dataloader.dataset, **__rules)))
val_dataloader = dict(dataset=__rules)
test_dataloader = val_dataloader
