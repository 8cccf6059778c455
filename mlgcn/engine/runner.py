"""The runner of a training, from images or from stored features."""

from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mlgcn.features import use_features

from .config import build_dataset, fit_to_data
from .model_hooks import WeightsHook
from .train_loop import use_resumable_loop
from .training_check import check_channels, check_normalisation, check_training


def build_runner(cfg: Config) -> Runner:
    """The runner of a checked config, fitted to its training data; it has not started.

    It trains on the stored features in the folder `cfg.features.folder`, if there is that key.

    Raises:
        ConfigError, ValueError: what the data or the model's parts say against it.
    """
    train_set = build_dataset(cfg, 'train_dataloader')
    use_resumable_loop(cfg)
    fit_to_data(cfg, train_set.metainfo['classes'])
    check_training(cfg, train_set, get_world_size())
    check_channels(cfg)
    check_normalisation(cfg)

    runner = RUNNERS.build(cfg)  # mmengine's Runner, or its FlexibleRunner (`runner_type`)
    runner._train_dataloader['dataset'] = train_set  # built once, not twice
    runner.register_hook(WeightsHook(train_set.metainfo['classes']))
    if cfg.get('features'):
        use_features(runner, cfg.features.folder)
    return runner
