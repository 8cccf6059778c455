# ML-GCN on a small frozen backbone: your own photographs; random label embeddings.
_base_ = ['../_base_/setups/own_lite0_224.py', '../_base_/schedules/head_only.py']

model = dict(
    head=dict(
        type='mlgcn.MLGCNHead', num_classes=None, in_channels=320, hidden=256, embed_channels=300))
custom_hooks = [dict(type='mlgcn.LabelGraphHook')]
# of 0.005 to 0.2 the best on 100 photographs of Aquarium's training split; what remains below the
# linear head there is the maximum over positions: a linear head that pools so is no better
optim_wrapper = dict(optimizer=dict(lr=0.05))
