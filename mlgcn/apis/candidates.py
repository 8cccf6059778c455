"""What is compared: the recipe of a head, on one backbone, at one size of images, with one loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mlgcn.engine.config import ConfigError, read_config

from .shipped_configs import find_config
from .timm_backbones import backbone_options

HEADS = (
    'probed_csra', 'linear', 'pooled', 'addgcn', 'gkgnet', 'csra', 'ml_gcn', 'ml_decoder',
    'query2label', 'ctran',
)  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A head's recipe on one backbone, at one size of images, with one loss."""

    head: str
    size: int
    loss: str
    backbone: str
    options: tuple[tuple[str, Any], ...] = field(hash=False)  # `--cfg-options`; some are dicts

    @classmethod
    def of(
        cls,
        head: str,
        size: int,
        loss: str,
        given: Mapping[str, Any],
        backbone: str = 'recipe',
    ) -> 'Candidate':
        """With the options that size, loss and backbone stand for, beside those given."""
        options = {**given, 'own.size': size}
        if backbone != 'recipe':
            recipe = read_config(config_of(head), given).model
            if not recipe.backbone.type.endswith('TIMMBackbone'):
                raise ConfigError(f'--backbones: {head} is on {recipe.backbone.type}, not on timm')
            maps = len(recipe.backbone.get('out_indices', ()))
            options |= backbone_options(backbone, maps, size)
            if recipe.get('neck') is None:
                options.pop('model.neck.in_channels')
        if loss != 'recipe':
            options['model.head.loss'] = dict(type=f'mlgcn.{loss}')
        return cls(head, size, loss, backbone, tuple(options.items()))

    @property
    def name(self) -> str:
        """Of tables and files."""
        parts = [Path(self.head).stem, self.features]
        return ' '.join(parts + [self.loss] * (self.loss != 'recipe'))

    @property
    def features(self) -> str:
        """What its features are of: size, and backbone where it is not the recipe's."""
        other = [self.backbone.partition('=')[0]] * (self.backbone != 'recipe')
        return ' '.join([*other, str(self.size)])

    @property
    def config(self) -> Path:
        """The config's file."""
        return config_of(self.head)

    def cfg(self) -> Config:
        """The config that `mlgcn train` would read."""
        return read_config(self.config, dict(self.options))


def config_of(head: str) -> Path:
    """The config of one of HEADS, or the one named."""
    return find_config(f'own_{head}' if head in HEADS else head)
