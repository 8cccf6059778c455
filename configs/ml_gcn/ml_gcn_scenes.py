# ML-GCN on a small ResNet, on the built-in data set; random label embeddings.
_base_ = ['../_base_/setups/scenes.py', '../_base_/schedules/scenes.py']

model = dict(
    head=dict(
        type='mlgcn.MLGCNHead', num_classes=None, in_channels=128, hidden=256, embed_channels=300))
custom_hooks = [dict(type='mlgcn.LabelGraphHook')]
