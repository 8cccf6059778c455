# ADD-GCN with weights, gradients and optimiser state sharded over all GPUs (FSDP), for models that
# do not fit on one: bash tools/dist_train.sh configs/addgcn/addgcn_coco_448_fsdp.py 8
# Its checkpoints are whole: `mlgcn test` and the unsharded config read them.
_base_ = './addgcn_coco_448.py'

runner_type = 'FlexibleRunner'
strategy = dict(
    type='mlgcn.FSDPStrategy',
    model_wrapper=dict(
        type='MMFullyShardedDataParallel',
        # modules of at least a million parameters are gathered and freed one after the other
        auto_wrap_policy=dict(
            type='mlgcn.engine.optim.wrap_large_modules',
            min_num_params=1_000_000,
        ),
    ),
    state_dict_cfg='full',  # one file with the whole model, written by the first process
)
