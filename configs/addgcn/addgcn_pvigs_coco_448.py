# ADD-GCN's head on another backbone: plain Pyramid ViG-s instead of ResNet-101.
_base_ = './addgcn_coco_448.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mlgcn.PyramidViG',
        arch='s',
        num_groups=1,
        img_size=448,
        out_indices=(3,),
        drop_path_rate=0.1,
        init_cfg=dict(type='Pretrained', checkpoint='./checkpoint/pvig_s_82.1.pth.tar'),
    ),
    head=dict(in_channels=640),
)
