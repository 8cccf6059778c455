# What every run shares. `mlgcn.X` below and in other configs is a class of this project; a bare
# type is upstream's (mmpretrain, mmengine, torchvision, timm).
default_scope = 'mmpretrain'
custom_imports = dict(imports=['mlgcn'], allow_failed_imports=False)

val_cfg = dict()
test_cfg = dict()

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # the last two epochs and the best one by mAP
    checkpoint=dict(
        type='CheckpointHook', interval=1, max_keep_ckpts=2, save_best='mAP', rule='greater'
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # classes, input size, normalisation, config, scores and sha256, inside every checkpoint
    passport=dict(type='mlgcn.PassportHook'),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),  # the tools take gloo where there is no GPU
)
visualizer = dict(type='UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=None, deterministic=False)
