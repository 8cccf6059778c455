"""mlgcn: multi-label image recognition with graph networks, on mmengine and mmpretrain."""

from . import engine, registry

__version__ = '0.1.0'
__all__ = ['engine', 'registry']
