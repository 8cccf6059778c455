# Query2Label on Swin-L.
_base_ = './query2label_r101.py'

model = dict(
    backbone=dict(
        _delete_=True, type='mlgcn.TIMMBackbone', model_name='swin_large_patch4_window12_384'),
    head=dict(in_channels=1536))
