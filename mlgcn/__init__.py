"""mlgcn: multi-label image recognition with graph networks, on mmengine and mmpretrain.

Importing it registers mlgcn's classes and applies :mod:`mlgcn.engine.upstream_patches`.
"""

import os
import sys

__version__ = '0.1.0'


def _shows_help_only() -> bool:
    """Whether this process is `mlgcn`, or `python -m mlgcn`, and was asked for help.

    It loads no file and builds no model, and need not wait seconds for torch.
    """
    script, *arguments = sys.argv or ['']
    if script == '-m':  # while Python looks for the package's __main__
        script = sys.orig_argv[-len(sys.argv)]
    help_asked = not arguments or '-h' in arguments or '--help' in arguments
    return help_asked and os.path.basename(script) in ('mlgcn', 'mlgcn.exe')


if not _shows_help_only():
    from . import engine, registry  # noqa: F401
