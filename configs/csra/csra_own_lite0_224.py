# CSRA on a small frozen backbone: your own photographs in minutes, without a GPU.
_base_ = ['../_base_/setups/own_lite0_224.py', '../_base_/schedules/head_only.py']

# normalised maps are worth 4 mAP on folds of Aquarium's training photographs: classifiers of unit
# length cannot weigh channels of other scales (docs/peers.md); branches and lam as for VOC
model = dict(
    neck=dict(type='mlgcn.JoinedMaps', in_channels=(320,)),
    head=dict(type='mlgcn.CSRAHead', num_classes=None, in_channels=320, num_heads=1, lam=0.1))
# the length of the classifiers, which does not act, divides their gradients: a higher rate
optim_wrapper = dict(optimizer=dict(lr=0.05, weight_decay=1e-4))
