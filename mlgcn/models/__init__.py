"""All models of mlgcn; importing this package registers them."""

from . import backbones, batch_augments, heads, layers, losses, mirror_average, necks
