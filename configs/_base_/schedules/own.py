# A head on a frozen backbone: as for a transformer head, two epochs longer.
_base_ = './head_adamw.py'

train_cfg = dict(max_epochs=12, val_interval=4)
