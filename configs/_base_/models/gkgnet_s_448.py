# GKGNet-s whose position embedding belongs to 448 x 448.
_base_ = './gkgnet_s.py'

model = dict(backbone=dict(img_size=448))
