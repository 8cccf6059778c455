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
    # the last two epochs, the best one by mAP, and within long epochs one every half hour
    checkpoint=dict(
        type='mlgcn.RunCheckpointHook',
        interval=1,
        every_iters=0,
        every_minutes=30,
        max_keep_ckpts=2,
        save_best='mAP',
        rule='greater',
    ),
    resume=dict(type='mlgcn.ResumeHook'),
    # infinite and NaN losses or gradients: leave the update out; ten in a row: roll back
    finite=dict(type='mlgcn.FiniteHook', policy='rollback', in_row=10),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # images that were replaced because they could not be read (bad_images='skip'), at the end
    skipped_images=dict(type='mlgcn.SkippedImagesHook'),
    # classes, input size, normalisation, config, scores and sha256, inside every checkpoint
    metadata=dict(type='mlgcn.MetadataHook'),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # The tools take gloo where there is no GPU. A process that has not answered for half an hour
    # ends the run: longer than it takes to download weights or to read the images' headers.
    dist_cfg=dict(backend='nccl', timeout=1800),
)
compiled_ops = True  # neighbour search in C, on GPUs Triton; False: PyTorch alone
visualizer = dict(type='UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=None, deterministic=False)
