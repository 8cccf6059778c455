"""Upstream's loaders, closed: importing mlgcn puts safe ones where mmengine looks for its own.

* mmengine reads a checkpoint again, with everything allowed, when the safe unpickler refuses it,
  and downloads (`torchvision://`, `http://`) go through torch.hub, which unpickles in full.
* mmengine reads annotation files that end in .pkl with pickle and .yaml with PyYAML's full loader;
  both run code.
* yapf, with which mmengine prints configs, keeps a pickle in the user's cache folder.
* `TORCH_FORCE_WEIGHTS_ONLY_LOAD` holds for every other `torch.load` in this process and those that
  it starts: timm's, torchvision's and mmpretrain's.
"""

import os
import pickle
from importlib import import_module
from typing import Any

import yaml
from mmengine.fileio.handlers import PickleHandler, file_handlers, yaml_handler
from mmengine.runner import checkpoint as upstream
from yapf_third_party._ylib2to3.pgen2.grammar import Grammar

from mlgcn.checkpoints import CheckpointError
from mlgcn.checkpoints.atomic_files import save_checkpoint
from mlgcn.checkpoints.checkpoint import load_content, load_url
from mlgcn.checkpoints.safe_load import FORCE


class NoPickleHandler(PickleHandler):
    """Writes pickles, as upstream's does, and reads none."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        raise CheckpointError(
            'a pickle (.pkl, .pickle) was to be read, e.g. as an annotation file; mlgcn does not '
            'read pickles, because they run code. Write it as .json'
        )


class PlainUnpickler(pickle.Unpickler):
    """Reads containers, numbers and strings, and finds no class or function."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f'{module}.{name} is not on the (empty) allow-list')


def load_grammar(grammar: Grammar, file: str) -> None:
    """yapf's `Grammar.load` for its own cache, plain values alone."""
    with open(file, 'rb') as opened:
        vars(grammar).update(PlainUnpickler(opened).load())


def install() -> None:
    """Replace upstream's loaders in this process."""
    if not hasattr(upstream, '_safe_torch_load') or not hasattr(yaml_handler, 'Loader'):
        raise ImportError(
            'this version of mmengine reads files in a way mlgcn does not know; install '
            'onedl-mmengine 0.10.12 (see requirements/runtime.txt)'
        )
    upstream._safe_torch_load = load_content
    upstream.load_url = load_url
    yaml_handler.Loader = yaml.SafeLoader
    for name in ('mmengine.runner.checkpoint', 'mmengine.runner.runner', 'mmengine.runner'):
        import_module(name).save_checkpoint = save_checkpoint
    file_handlers['pkl'] = file_handlers['pickle'] = NoPickleHandler()
    Grammar.load = load_grammar
    os.environ[FORCE] = '1'
    os.environ.pop('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', None)
