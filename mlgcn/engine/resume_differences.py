"""How a resumed run differs from the one that was saved: its data list and its config."""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch.utils.data import Dataset

# sections and keys that move no result
IGNORED = (
    'work_dir', 'resume', 'load_from', 'launcher', 'log_level', 'visualizer', 'env_cfg', 'own',
    'custom_imports', 'model_wrapper_cfg', 'experiment_name', 'compiled_ops',
    'default_hooks.logger', 'default_hooks.checkpoint', 'default_hooks.timer', 'test_',
)  # fmt: skip
IGNORED_ENDS = ('num_workers', 'persistent_workers', 'pin_memory', 'worker_init_fn.type')
# what a checkpoint brings along, so that a change in the config has no effect
SCHEDULES = ('param_scheduler', 'optim_wrapper.optimizer', 'optim_wrapper.paramwise_cfg')
FROM_CHECKPOINT = ('auto_scale_lr', 'randomness')
STAYS = "no, the checkpoint's goes on"
Row = tuple[str, str, str, str]


def data_digest(dataset: Dataset) -> dict[str, Any]:
    """Number of images, and a sha256 of their names and labels in order.

    Names count from the images' common folder, so that a data set may move. Data sets without
    mmengine's `get_data_info` have no digest.
    """
    if not hasattr(dataset, 'get_data_info'):
        return dict(images=len(dataset), sha256=None)
    digest = hashlib.sha256()
    items = [dataset.get_data_info(index) for index in range(len(dataset))]
    paths = [str(item.get('img_path', '')) for item in items]
    start = len(os.path.commonprefix([*{os.path.dirname(path) for path in paths}]))
    for path, item in zip(paths, items):
        labels = np.asarray(item.get('gt_score', item.get('gt_label', ())))
        digest.update(path[start:].encode('utf-8', 'surrogateescape') + b'\0')
        digest.update(labels.tobytes())
    return dict(images=len(items), sha256=digest.hexdigest())


def data_difference(saved: Mapping[str, Any], now: Mapping[str, Any]) -> list[Row]:
    """A row where the training data is another list."""
    if saved == now or None in (saved['sha256'], now['sha256']):
        return []
    cells = [f'{each["images"]} images, sha256 {each["sha256"][:8]}' for each in (saved, now)]
    return [('training data', *cells, 'yes')]


def config_differences(
    saved: Mapping, now: Mapping, new_schedules: bool
) -> tuple[list[Row], dict[str, Any]]:
    """A row for every key that differs and may move results, and the values that stay in force.

    Args:
        saved, now: configs.
        new_schedules: the run takes learning rates from its config, not from the checkpoint.
    """
    old, new = (_flat(json.loads(json.dumps(dict(cfg), default=str))) for cfg in (saved, now))
    from_checkpoint = FROM_CHECKPOINT if new_schedules else (*SCHEDULES, *FROM_CHECKPOINT)
    rows, kept = [], {}
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key) or key.startswith(IGNORED) or key.endswith(IGNORED_ENDS):
            continue
        stays = key.startswith(from_checkpoint)
        if stays and key in old and key in new:
            kept[key.replace('[', '.').replace(']', '')] = old[key]
        takes_effect = STAYS if stays or 'init_cfg' in key else 'yes'
        cells = [_shortened(values[key]) if key in values else '-' for values in (old, new)]
        rows.append((key, *cells, takes_effect))
        open_ended = 'type' in str(now.get('param_scheduler')) and not new_schedules
        if key == 'train_cfg.max_epochs' and open_ended:
            # mmengine's end with the run, unless they say otherwise; here with the earlier run
            ends = [f'epoch {values.get(key)}' for values in (old, new)]
            rows.append(('end of param_scheduler', *ends, STAYS))
    return rows, kept


def table(rows: list[Row]) -> str:
    """The rows under a heading, aligned."""
    rows = [('key', 'checkpoint', 'now', 'takes effect'), *rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return '\n'.join('  ' + '  '.join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _flat(node: Any, path: str = '') -> dict[str, Any]:
    """Leaves by dotted path; lists of dicts are walked, other lists are leaves."""
    if isinstance(node, dict) and node:
        parts = [(f'{path}.{key}' if path else key, value) for key, value in node.items()]
    elif isinstance(node, list) and any(isinstance(value, dict) for value in node):
        parts = [(f'{path}[{i}]', value) for i, value in enumerate(node)]
    else:
        return {path: node}
    return {key: leaf for part, value in parts for key, leaf in _flat(value, part).items()}


def _shortened(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f'{text[:37]}...'
