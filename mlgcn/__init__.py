"""mlgcn: multi-label image recognition with graph networks, on mmengine and mmpretrain.

Importing it registers mlgcn's classes and applies :mod:`mlgcn.engine.upstream_patches`.
"""

import contextlib
import importlib
import io
import os
import sys
import warnings

__version__ = '0.1.0'


def register() -> None:
    """Register mlgcn's classes and apply its patches."""
    # upstream prints which of its optional packages are missing; nothing here uses them
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        importlib.import_module('mlgcn.engine')
        importlib.import_module('mlgcn.registry')


def _is_command() -> bool:
    """Whether this process is the command `mlgcn` or the launcher, which import torch when needed.

    Help and a mistyped command need not wait for it, and the launcher sets its log level first.
    """
    script = sys.argv[0] if sys.argv else ''
    if script == '-m':  # while Python looks for the package's __main__
        script = sys.orig_argv[-len(sys.argv)]
    return os.path.basename(script) in ('mlgcn', 'mlgcn.exe', 'mlgcn.cli.launch')


if not _is_command():
    register()
