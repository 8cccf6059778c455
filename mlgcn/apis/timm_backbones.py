"""Options that put another backbone of timm under a head's recipe."""

from typing import Any

import numpy as np
import timm
import torch

from mlgcn.engine.config import ConfigError
from mlgcn.messages import nearest


def backbone_options(backbone: str, maps: int, size: int) -> dict[str, Any]:
    """`--cfg-options` for a config with `mlgcn.TIMMBackbone`; channels are left to be inferred.

    Args:
        backbone: timm's name ('convnext_tiny.fb_in22k'), whose weights timm fetches, or NAME=FILE.
        maps: how many stage maps the recipe reads beside the backbone's last output.
        size: of the images, in pixels; transformers are built for it.

    Raises:
        ConfigError: timm has no such model, or it has fewer stages.
    """
    name, _, file = backbone.partition('=')
    if not timm.is_model(name):
        raise ConfigError(f'--backbones: timm has no model {name!r}{nearest(name, known_names())}')
    published = timm.get_pretrained_cfg(name)
    options = {
        'model_name': name,
        'out_indices': stages_before_last(name, maps),
        'pretrained': not file,
    }
    if file:
        options |= {'init_cfg.type': 'Pretrained', 'init_cfg.checkpoint': file}
    else:
        options['init_cfg'] = None
    if published.fixed_input_size:
        options['img_size'] = size
    pixels = {
        key: [round(255 * value, 3) for value in getattr(published, key)] for key in ('mean', 'std')
    }
    return {
        **{f'model.backbone.{key}': value for key, value in options.items()},
        **{f'data_preprocessor.{key}': value for key, value in pixels.items()},
        'model.neck.in_channels': None,
        'model.head.in_channels': None,
    }


def stages_before_last(name: str, count: int) -> tuple[int, ...]:
    """Stages, as timm numbers them, of the `count` maps next to the last in resolution.

    A transformer of one resolution gives maps of blocks evenly spaced in its second half.
    """
    with torch.device('meta'):  # no memory, no time
        stages = timm.create_model(name.partition('.')[0]).feature_info
    strides = [stage['reduction'] for stage in stages]
    if len(set(strides)) == 1:
        ends = np.linspace(len(strides) / 2, len(strides), count + 2)[1:-1]
        return tuple(int(end) - 1 for end in ends)  # not numpy's: configs are written as text
    deepest = {stride: i for i, stride in enumerate(strides) if stride < strides[-1]}
    if len(deepest) < count:
        raise ConfigError(
            f'--backbones: {name} has {len(deepest)} stages before its last, the recipe reads '
            f'{count}'
        )
    return tuple(sorted(deepest.values())[len(deepest) - count :])


def known_names() -> list[str]:
    """timm's models, with and without the names of their weights."""
    return [*timm.list_models(), *timm.list_pretrained()]
