"""Every change that importing mlgcn makes to other packages and the process, in one table.

`make test` compares each with the versions of requirements/runtime.txt: onedl-mmengine 0.10.12,
PyYAML 6.0, yapf 0.43, torch 2.14 (tests/engine/test_upstream_patches.py has a hostile file for
each place that reads one).
"""

import ctypes
import logging
import os
import pickle
import sys
import warnings
from collections.abc import Callable, MutableMapping
from functools import partial
from importlib import import_module
from pkgutil import resolve_name
from typing import Any

import yaml
from mmengine.config import Config
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.fileio.handlers import PickleHandler, file_handlers, yaml_handler
from mmengine.logging import MMLogger
from mmengine.optim import _ParamScheduler
from mmengine.registry import WEIGHT_INITIALIZERS

from .console import quiet_logger

try:  # private to yapf; without it there is no cache to unpickle
    from yapf_third_party._ylib2to3.pgen2.grammar import Grammar
except ImportError:
    Grammar = None


class NoPickleHandler(PickleHandler):
    """Writes pickles, as upstream's does, and reads none."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        from mlgcn.checkpoints import CheckpointError  # imports much, see `checkpoints`

        seen = 'a pickle (.pkl, .pickle) was to be read, e.g. as an annotation file'
        raise CheckpointError(f'{seen}; mlgcn does not read pickles: they run code. Write .json')


def checkpoints(name: str) -> Callable:
    """A function or class of mlgcn.checkpoints, imported when upstream first calls it.

    That room knows the models, and with them timm and torchvision: a second that `import mlgcn`
    saves whoever reads no checkpoint.
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        return resolve_name(f'mlgcn.checkpoints.{name}')(*args, **kwargs)

    return call


def print_unless_onedl(text: str) -> None:
    """What `print_log` prints, but for the missing OneDL, which nobody asked for."""
    if text != 'Could not import OneDL':
        print(text)


class PlainUnpickler(pickle.Unpickler):
    """Reads containers, numbers and strings, and finds no class or function."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f'{module}.{name} is not on the (empty) allow-list')


def load_grammar(grammar: Any, file: str) -> None:
    """yapf's `Grammar.load` for its own cache, plain values alone."""
    with open(file, 'rb') as opened:
        vars(grammar).update(PlainUnpickler(opened).load())


def formatted_once(original: property) -> property:
    """`Config.pretty_text`, which every checkpoint holds, formatted again only after a change."""
    newest: dict[str, str] = {}

    def pretty_text(config: Config) -> str:
        content = repr(config._cfg_dict)
        if content not in newest:
            newest.clear()
            newest[content] = original.fget(config)
        return newest[content]

    return property(pretty_text)


def cat_ids_of_part(self: ConcatDataset | RepeatDataset, idx: int) -> list[int]:
    """The classes of an image, from the data set inside that has it."""
    found = self._get_ori_dataset_idx(idx)
    if isinstance(self, RepeatDataset):
        return self.dataset.get_cat_ids(found)
    return self.datasets[found[0]].get_cat_ids(found[1])


def values_of_schedule(schedule: _ParamScheduler) -> dict[str, Any]:
    """A schedule's state without functions, which follow from its config."""
    state = vars(schedule).items()
    return {key: value for key, value in state if key != 'optimizer' and not callable(value)}


class ConfigLoader(yaml.SafeLoader):
    """Plain values, and tuples as `Config.dump` writes them."""


ConfigLoader.add_constructor(
    'tag:yaml.org,2002:python/tuple', lambda loader, node: tuple(loader.construct_sequence(node))
)
# mmengine.runner has functions of the names of its modules
checkpoint, runner, package, logger = (
    import_module(f'mmengine.{name}')
    for name in ('runner.checkpoint', 'runner.runner', 'runner', 'logging.logger')
)
initializers, schemes = WEIGHT_INITIALIZERS.module_dict, checkpoint.CheckpointLoader._schemes
READ_AND_LOG = partial(runner._load_checkpoint, logger='current')
load, load_url = checkpoints('checkpoint.load_content'), checkpoints('checkpoint.load_url')
save, pretrained = checkpoints('metadata.save_checkpoint'), checkpoints('pretrained.Pretrained')
FORMATTED_ONCE = formatted_once(Config.pretty_text)
LACKS = 'upstream has none, so that ClassBalancedDataset cannot wrap it'
PATCHES = [
    # owner, name, ours, why upstream's does not do
    (checkpoint, '_safe_torch_load', load, 'reads again in full what is refused'),
    (schemes, '', load, 'says of a folder or a pipe that it cannot be found'),
    (checkpoint, 'load_url', load_url, 'torch.hub unpickles downloads in full'),
    (checkpoint, 'save_checkpoint', save, 'a killed process leaves half a file'),
    (runner, 'save_checkpoint', save, 'the same function, imported by name'),
    (package, 'save_checkpoint', save, 'the same function, imported by name'),
    (file_handlers, 'pkl', NoPickleHandler(), 'annotation files that run code'),
    (file_handlers, 'pickle', NoPickleHandler(), 'annotation files that run code'),
    (yaml_handler, 'Loader', ConfigLoader, "PyYAML's full loader runs code"),
    (Grammar, 'load', load_grammar, "unpickles a file of the user's cache to print a config"),
    (Config, 'pretty_text', FORMATTED_ONCE, 'yapf takes 0.2 s for each checkpoint'),
    (initializers, 'Pretrained', pretrained, 'ignores what does not fit, even the whole file'),
    (runner, '_load_checkpoint', READ_AND_LOG, 'prints which file it reads'),
    (MMLogger, '__init__', quiet_logger(MMLogger.__init__), '300 lines before the first loss'),
    (vars(logger), 'print', print_unless_onedl, 'mmpretrain.datasets prints a DEBUG message'),
    (ConcatDataset, 'get_cat_ids', cat_ids_of_part, LACKS),
    (RepeatDataset, 'get_cat_ids', cat_ids_of_part, LACKS),
    (_ParamScheduler, 'state_dict', values_of_schedule, 'OneCycleLR saves a method of its own'),
    # holds for timm, torchvision and mmpretrain, and for the processes that this one starts
    (os.environ, 'TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1', "other packages' torch.load"),
]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


def install() -> None:
    """Put all of them in place; an ImportError where upstream has no such name."""
    for owner, name, ours, reason in PATCHES:
        if isinstance(owner, MutableMapping):
            owner[name] = ours
        elif hasattr(owner, name) or reason is LACKS:
            setattr(owner, name, ours)
        elif owner is not None:
            seen = f'{owner.__name__} has no {name}, which mlgcn replaces ({reason})'
            raise ImportError(f'{seen}; install the versions of requirements/runtime.txt')
    # mmcv, whose C++ operators nothing here uses
    warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeformableAttention``')
    warnings.filterwarnings('ignore', 'This DataLoader will create')  # more workers than cores
    warnings.filterwarnings('ignore', 'IProgress not found')  # tqdm, which huggingface_hub imports
    # of a machine with nvcc and no GPU, on importing torch.utils.benchmark
    logging.getLogger('torch.utils.cpp_extension').setLevel(logging.ERROR)
    os.environ.pop('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', None)
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Let glibc keep up to 1 GiB of freed blocks of at most 32 MiB (its limit) for the next ones.

    By default it returns a freed map to the system, which hands it out again page by page, filled
    with zeros: up to a seventh of a forward pass on a CPU. What the user set is left.
    """
    chosen = {'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'} & set(os.environ)
    if not chosen and sys.platform == 'linux':
        mallopt = getattr(ctypes.CDLL(None), 'mallopt', lambda *_: 0)  # not in other C libraries
        mallopt(M_MMAP_THRESHOLD, 32 << 20)
        mallopt(M_TRIM_THRESHOLD, 1 << 30)
