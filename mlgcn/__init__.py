"""mlgcn: multi-label image recognition with graph networks, on mmengine and mmpretrain.

Importing it registers mlgcn's classes and applies :mod:`mlgcn.engine.upstream_patches`.
"""

import os
import sys

__version__ = '0.1.0'


def _needs_no_model() -> bool:
    """Whether this process is the launcher, or `mlgcn` or `python -m mlgcn` asked for help.

    They load no file and build no model, and need not wait seconds for torch; the launcher imports
    it once it has chosen the log level.
    """
    script, *arguments = sys.argv or ['']
    if script == '-m':  # while Python looks for the package's __main__
        script = sys.orig_argv[-len(sys.argv)]
    if script == 'mlgcn.cli.launch':
        return True
    help_asked = not arguments or '-h' in arguments or '--help' in arguments
    return help_asked and os.path.basename(script) in ('mlgcn', 'mlgcn.exe')


if not _needs_no_model():
    from . import engine, registry  # noqa: F401
