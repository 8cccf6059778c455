"""All models of mlgcn; importing this package registers them."""

from . import backbones, heads, layers, losses, necks

__all__ = ['backbones', 'heads', 'layers', 'losses', 'necks']
