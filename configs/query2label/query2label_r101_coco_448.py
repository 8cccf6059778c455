# Query2Label, ResNet-101, MS-COCO 2014 at 448. Published: 84.9 mAP.
_base_ = [
    '../_base_/models/query2label_r101.py',
    '../_base_/datasets/coco14_query2label_448.py',
    '../_base_/schedules/query2label.py',
    '../_base_/default_runtime.py',
]
