"""A config file read, with overrides, and checked."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mlgcn.datasets import use_own_photos

from .config_check import ConfigError, check_config, check_overrides


def read_config(path: str | Path, options: Mapping[str, Any]) -> Config:
    """The config in the file `path` with `options` merged into it, checked.

    Raises:
        ConfigError: the file is missing or not a config, or a key or class is mistyped.
    """
    if not os.path.isfile(path):
        raise ConfigError(f'{path}: no such config file')
    try:
        cfg = Config.fromfile(path)
    except (SyntaxError, NameError, AttributeError, KeyError) as error:
        raise ConfigError(f'{path}: {error}') from error
    check_overrides(cfg, options)
    cfg.merge_from_dict(dict(options))
    use_own_photos(cfg)
    check_config(cfg)
    if not cfg.get('compiled_ops', True):
        os.environ['MLGCN_COMPILE'] = '0'  # read by mlgcn.ops, in the loaders' processes too
    return cfg
