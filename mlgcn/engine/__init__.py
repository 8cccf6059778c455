"""Runs that survive: checkpoints, resumption, finite losses, processes.

Importing it changes upstream (`upstream_patches`), also in the processes that mlgcn starts.
"""

from . import upstream_patches

upstream_patches.install()
