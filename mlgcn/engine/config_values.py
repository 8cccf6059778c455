"""Values of a config: as they were written in a shell, and those that would fail late."""

import logging
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config, DictAction

from mlgcn.evaluation.protocols import METRIC_NAMES
from mlgcn.evaluation.published import EVALUATORS
from mlgcn.messages import nearest

# whole numbers, and the smallest of each
WHOLE = {
    **{f'train_cfg.{key}': 1 for key in ('max_epochs', 'max_iters', 'val_interval')},
    **{f'{loader}_dataloader.batch_size': 1 for loader in ('train', 'val', 'test')},
    **{f'{loader}_dataloader.num_workers': 0 for loader in ('train', 'val', 'test')},
    'optim_wrapper.accumulative_counts': 1,
    'default_hooks.logger.interval': 1,
    'randomness.seed': 0,
}
LARGEST_SEED = 2**32 - 1  # of numpy
SCOPES = ('mmengine', 'mmpretrain', 'mlgcn')
LOG_LEVELS = ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')
# numbers, their limits, and these in words
RANGES = {
    **{f'optim_wrapper.optimizer.{key}': (0, math.inf, 'from 0 up')
       for key in ('lr', 'weight_decay', 'momentum')},
    # below 0 the weights would climb
    'optim_wrapper.clip_grad.max_norm': (1e-300, math.inf, 'above 0'),
    'model.head.thr': (0, 1, 'from 0 to 1'),
    'own.size': (1, 10_000, 'of pixels'),
}  # fmt: skip


class ConfigError(ValueError):
    """A config that cannot be used: the message names the key, what was seen and expected."""


def check_values(cfg: Config) -> None:
    """Raise a ConfigError for a number, level or name that nothing can be done with."""
    for path, least in WHOLE.items():
        value, missing = descend(cfg, path)
        if not (missing or value is None or (type(value) is int and value >= least)):
            raise ConfigError(f'{path}: {value!r} seen, expected a whole number from {least} up')
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        section = cfg.get(loader) or {'batch_size': 1}
        if section.get('batch_size', 1) is None and 'batch_sampler' not in section:
            raise ConfigError(f'{loader}.batch_size: None seen, expected a whole number from 1 up')
    check_seed((cfg.get('randomness') or {}).get('seed'), 'randomness.seed')
    for path, (low, high, words) in RANGES.items():
        value, missing = descend(cfg, path)
        number = isinstance(value, (int, float)) and low <= value <= high and value < math.inf
        free = value is None and not path.endswith('.lr')
        free |= isinstance(value, str) and path == 'own.size'  # text, where the config has none
        if not (missing or number or free):
            raise ConfigError(f'{path}: {value!r} seen, expected a number {words}')
    scope = cfg.get('default_scope')
    # others may be registered by a library that is imported later
    if scope not in SCOPES and (near := nearest(str(scope), SCOPES)):
        raise ConfigError(f'default_scope: {scope!r} seen{near}')
    level = cfg.get('log_level')
    if level is not None and level not in LOG_LEVELS and level not in logging._levelToName:
        known = f'{nearest(str(level), LOG_LEVELS)} (there are {", ".join(LOG_LEVELS)})'
        raise ConfigError(f'log_level: no level {level!r}{known}')
    for section in ('data_preprocessor', 'model.data_preprocessor'):
        for key in ('mean', 'std'):
            value, missing = descend(cfg, f'{section}.{key}')
            if not missing and value is not None:
                _check_channels(f'{section}.{key}', value, positive=key == 'std')
    _check_save_best(cfg)


def check_seed(seed: Any, name: str) -> None:
    """Raise a ConfigError for a seed that numpy does not take."""
    if seed is not None and seed > LARGEST_SEED or (seed or 0) < 0:
        raise ConfigError(f'{name}: {seed} seen, expected a whole number from 0 to {LARGEST_SEED}')


def _check_channels(path: str, value: Any, positive: bool) -> None:
    """One number, or one for each colour."""
    values = value if isinstance(value, (list, tuple)) else [value]
    numbers = all(isinstance(v, (int, float)) and math.isfinite(v) for v in values)
    if not numbers or len(values) not in (1, 3) or (positive and min(values) <= 0):
        raise ConfigError(f'{path}: {value!r} seen, expected three numbers' + ' above 0' * positive)


def _check_save_best(cfg: Config) -> None:
    """The figure that chooses the best checkpoint is one that is reported after an epoch."""
    best, missing = descend(cfg, 'default_hooks.checkpoint.save_best')
    metric = cfg.get('val_evaluator')
    if missing or not isinstance(best, str) or best == 'auto' or not isinstance(metric, Mapping):
        return
    ours = str(metric.get('type')).endswith('MultiLabelScores')
    if not ours or metric.get('prefix') or metric.get('protocol') in EVALUATORS:
        return
    report = metric.get('report', 'all')
    names = METRIC_NAMES if report == 'all' else [report] if isinstance(report, str) else report
    if best not in names:
        known = f'{nearest(best, names)} (there are {", ".join(names)})'
        raise ConfigError(f'default_hooks.checkpoint.save_best: no {best!r} is reported{known}')


SPACE = '\x1f'
# keys of names and paths, which hold text although a config may leave them None or out
TEXT_KEYS = {
    *('ann_file', 'data_root', 'data_prefix', 'img_path', 'work_dir', 'load_from', 'checkpoint'),
    *('split', 'images', 'separator'),
}


@contextmanager
def escaped(name: str) -> Iterator[None]:
    """An environment variable as mmengine can put it into a config's source text."""
    value = os.environ.get(name)
    if value is not None:
        quoted = re.sub(r'([\\\'"])', r'\\\1', value)  # it becomes part of a Python string,
        quoted = quoted.replace('\\', r'\\')  # and before that a template of `re.sub`
        os.environ[name] = quoted.replace('\n', r'\\n')
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


class Text(str):
    """A value as the shell has it. Values of Python's callers are not of this type."""


def resolve(cfg: Config, options: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `options`: text stays text where the config's key holds text or names a file.

    Elsewhere it is a number, None, True, False, a list or a tuple, as mmengine's `DictAction` reads
    it, but with the spaces inside.

    Raises:
        ValueError: brackets do not match, or a whole section.
    """
    values = dict(options)
    for key, value in options.items():
        if isinstance(value, Text):
            values[key] = str(value) if _holds_text(cfg, key) else _parse(key, value)
    return values


def descend(cfg: Mapping, path: str) -> tuple[Any, list[str]]:
    """The deepest value that a dotted path reaches, and the names of the path that lead nowhere."""
    node, names = dict(cfg), path.split('.')  # a Config is no Mapping
    for depth, name in enumerate(names):
        if isinstance(node, (list, tuple)) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, Mapping) and name in node:
            node = node[name]
        else:
            return node, names[depth:]
    return node, []


def _holds_text(cfg: Config, key: str) -> bool:
    value, missing = descend(cfg, key)
    first, *_, last = 2 * key.split('.')
    if not missing and isinstance(value, (int, float)):  # own.size
        return False
    return (isinstance(value, str) and not missing) or first == 'own' or last in TEXT_KEYS


def _parse(key: str, text: str) -> Any:
    if re.match(r'\s*(\{|dict\()', text):
        raise ValueError(f'--cfg-options {key}={text}: expected its keys one by one: {key}.KEY=...')
    if re.match(r'\s*[\[(].*(\{|dict\()', text, re.DOTALL):  # upstream recurses without an end
        told = f'a list of sections; write it into a config file, or set {key}.0.KEY=...'
        raise ValueError(f'--cfg-options {key}={text}: {told}')
    try:
        # DictAction removes spaces; a control character keeps their places
        return _spaced(DictAction._parse_iterable(text.replace(' ', SPACE)))
    except AssertionError:
        raise ValueError(f'--cfg-options {key}={text}: brackets do not match') from None


def _spaced(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_spaced, value))
    if not isinstance(value, str):
        return value
    return DictAction._parse_int_float_bool(value.replace(SPACE, ' ').strip().strip('\'"'))
