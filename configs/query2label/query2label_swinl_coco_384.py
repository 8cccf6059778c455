# Query2Label, Swin-L (ImageNet-22k), MS-COCO 2014 at 384. Published: 90.5 mAP.
_base_ = [
    '../_base_/models/query2label_swin_l.py',
    '../_base_/datasets/coco14_query2label_384.py',
    '../_base_/schedules/query2label.py',
    '../_base_/default_runtime.py',
]
