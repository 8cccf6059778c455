# ADD-GCN on a small ResNet, on the built-in data set (make demo).
_base_ = [
    '../_base_/models/resnet18_narrow.py',
    '../_base_/datasets/scenes.py',
    '../_base_/schedules/scenes.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(type='mlgcn.ADDGCNHead', num_classes=None, in_channels=128, node_channels=256))
