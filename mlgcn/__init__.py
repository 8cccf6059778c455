"""mlgcn: multi-label image recognition with graph networks, on mmengine and mmpretrain.

>>> model = mlgcn.load('model.safetensors')
>>> model.predict('photos/', top_k=3)

Importing it registers mlgcn's classes and applies :mod:`mlgcn.engine.upstream_patches`. Its other
names are imported when they are asked for: those of `PUBLIC`, its subpackages, and every class that
configs call `mlgcn.NAME`.
"""

import importlib
import importlib.util
import os
import sys
from typing import Any

__version__ = '0.1.0'

PUBLIC = {  # name: module, and name there
    'load': ('apis', 'load_model'),
    'train': ('cli.train', 'train'),
    'LoadedModel': ('apis', 'LoadedModel'),
    'Prediction': ('apis', 'Prediction'),
}


def register() -> None:
    """Register mlgcn's classes and apply its patches."""
    for name in ('engine', 'registry'):
        importlib.import_module(f'mlgcn.{name}')


def _is_command() -> bool:
    """Whether this process is `mlgcn`, tools/*.py or the launcher, which import torch when needed.

    Help and a mistyped command need not wait for it, and the launcher sets its log level first.
    Worker processes have the command's `sys.argv`, and import what they need in any order.
    """
    if '--multiprocessing-fork' in sys.orig_argv:
        return False
    script = sys.argv[0] if sys.argv else ''
    if script == '-m':  # while Python looks for the package's __main__
        script = sys.orig_argv[-len(sys.argv)]
    tools = os.path.join(os.path.dirname(os.path.realpath(__path__[0])), 'tools')
    is_tool = script.endswith('.py') and os.path.dirname(os.path.realpath(script)) == tools
    return is_tool or os.path.basename(script) in ('mlgcn', 'mlgcn.exe', 'mlgcn.cli.launch')


def __getattr__(name: str) -> Any:
    """A public name, subpackage or registered class (PEP 562)."""
    if name.startswith('_'):
        raise AttributeError(f'module mlgcn has no attribute {name!r}')
    register()
    if name in PUBLIC:
        module, attribute = PUBLIC[name]
        found = getattr(importlib.import_module(f'mlgcn.{module}'), attribute)
    elif importlib.util.find_spec(f'mlgcn.{name}'):
        return importlib.import_module(f'mlgcn.{name}')
    else:
        found = importlib.import_module('mlgcn.registry').find_class(name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})


if not _is_command():
    register()
