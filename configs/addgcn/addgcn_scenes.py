# ADD-GCN on a small ResNet, on the built-in data set (make demo).
_base_ = ['../_base_/setups/scenes.py', '../_base_/schedules/scenes_slow_head.py']

model = dict(
    head=dict(type='mlgcn.ADDGCNHead', num_classes=None, in_channels=128, node_channels=256))
