"""What upstream's engine lacks: safe loading, checks before training, CPU process groups."""

from . import safe_load
from .pretrained import Pretrained

safe_load.install()

__all__ = ['Pretrained', 'safe_load']
