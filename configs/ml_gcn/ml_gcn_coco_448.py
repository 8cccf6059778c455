# ML-GCN, ResNet-101, MS-COCO 2014 at 448. Published: 83.0 mAP.
_base_ = [
    '../_base_/models/ml_gcn_r101.py',
    '../_base_/datasets/coco14_ml_gcn_448.py',
    '../_base_/schedules/ml_gcn.py',
    '../_base_/default_runtime.py',
]
