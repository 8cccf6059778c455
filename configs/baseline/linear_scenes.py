# The linear baseline beside ../addgcn/addgcn_scenes.py: same backbone, data and budget.
_base_ = '../addgcn/addgcn_scenes.py'

model = dict(
    head=dict(
        _delete_=True, type='mlgcn.LinearHead', num_classes=None, in_channels=128, pool='avg',
        mean_over_classes=True))
