# ML-Decoder on a small ResNet, on the built-in data set.
_base_ = ['../_base_/setups/scenes.py', '../_base_/schedules/scenes_slow_head.py']

model = dict(
    head=dict(
        type='mlgcn.MLDecoderHead', num_classes=None, in_channels=128, embed_dim=256,
        dropout=0.0,  # 12 epochs of 2,400 pictures do not overfit: 0.1 costs some points
        mean_over_classes=True))
