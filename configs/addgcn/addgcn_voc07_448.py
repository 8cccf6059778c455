# ADD-GCN, ResNet-101, PASCAL VOC 2007 at 448. Published: 96.0 mAP, starting from the COCO model:
# add --cfg-options load_from=COCO_CHECKPOINT (entries that depend on the classes stay new).
_base_ = [
    '../_base_/models/addgcn_r101.py',
    '../_base_/datasets/voc07_448.py',
    '../_base_/schedules/addgcn.py',
    '../_base_/default_runtime.py',
]
