# Query2Label on a small frozen backbone: your own photographs, without a GPU. Without the encoder
# and with one decoder layer: on folds of Aquarium's training photographs as good as with all of
# them, in a quarter of the time (docs/peers.md).
_base_ = ['../_base_/setups/own_lite0_224.py', '../_base_/schedules/head_adamw.py']

model = dict(
    head=dict(
        type='mlgcn.Query2LabelHead', num_classes=None, in_channels=320, embed_dim=256, hidden=1024,
        num_encoders=0, num_decoders=1, mean_over_classes=True))
optim_wrapper = dict(optimizer=dict(lr=2e-4))
