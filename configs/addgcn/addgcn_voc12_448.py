# ADD-GCN, ResNet-101, PASCAL VOC 2012 at 448. Published: 95.5 mAP on the test server, starting
# from the COCO model: add --cfg-options load_from=COCO_CHECKPOINT.
_base_ = [
    '../_base_/models/addgcn_r101.py',
    '../_base_/datasets/voc12_448.py',
    '../_base_/schedules/addgcn.py',
    '../_base_/default_runtime.py',
]
