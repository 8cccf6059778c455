# MS-COCO 2014 as GKGNet uses it, without a pipeline. The published lists (train.data,
# val_test.data) serve as well: convert them with `mlgcn convert` and give the json as `ann_file`.
_base_ = './coco14_by_id_all.py'

train_dataloader = dict(
    dataset=dict(
        # upstream's repeat factors equal the published ones, 1 for images without labels included
        _delete_=True,
        type='ClassBalancedDataset',
        oversample_thr=0.01,
        dataset=_base_.train_dataloader.dataset))
