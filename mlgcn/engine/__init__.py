"""What upstream's engine lacks: safe loading, checks before training, CPU process groups."""

from . import loaders, safe_load
from .passport_hook import PassportHook
from .pretrained import Pretrained

loaders.install()

__all__ = ['PassportHook', 'Pretrained', 'loaders', 'safe_load']
