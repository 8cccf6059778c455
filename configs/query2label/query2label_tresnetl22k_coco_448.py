# Query2Label, TResNet-L v2 (trained on ImageNet-22k), MS-COCO 2014 at 448. Published: 89.2 mAP.
_base_ = './query2label_tresnetl_coco_448.py'

model = dict(
    backbone=dict(model_name='tresnet_v2_l', frozen_layers=4), head=dict(in_channels=2048))
