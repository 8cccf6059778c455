# The linear baseline beside ../addgcn/addgcn_scenes.py: same backbone, data and budget.
_base_ = ['../_base_/setups/scenes.py', '../_base_/schedules/scenes.py']

model = dict(
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=128, pool='avg',
        mean_over_classes=True))
