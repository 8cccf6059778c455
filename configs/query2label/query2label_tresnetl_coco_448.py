# Query2Label, TResNet-L of 2020, MS-COCO 2014 at 448. Published: 87.3 mAP.
_base_ = './query2label_r101_coco_448.py'

model = dict(
    # stem and stage 1 (four blocks) are frozen
    backbone=dict(
        _delete_=True, type='mlgcn.TIMMBackbone', model_name='tresnet_l', frozen_layers=5),
    head=dict(in_channels=2432))
