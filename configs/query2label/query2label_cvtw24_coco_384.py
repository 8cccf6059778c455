# Query2Label, CvT-w24 (ImageNet-22k), MS-COCO 2014 at 384. Published: 91.3 mAP.
_base_ = [
    '../_base_/models/query2label_cvt_w24.py',
    '../_base_/datasets/coco14_query2label_384.py',
    '../_base_/schedules/query2label.py',
    '../_base_/default_runtime.py',
]
