# Query2Label on CvT-w24.
_base_ = './query2label_r101.py'

model = dict(
    backbone=dict(_delete_=True, type='mlgcn.CvT', arch='w24'),
    head=dict(in_channels=1024))
