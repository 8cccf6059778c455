"""What the arguments of several commands stand for: configs, runs, models, files to write."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mlgcn import apis
from mlgcn.apis.shipped_configs import CONFIGS, find_config, is_config
from mlgcn.atomic_files import refuse_existing
from mlgcn.datasets import readers
from mlgcn.engine import console
from mlgcn.engine.config import build_dataset, read_config
from mlgcn.engine.config_check import ConfigError
from mlgcn.engine.launch import init_processes
from mlgcn.engine.work_dir import writes_to
from mlgcn.progress import bars_end


def load_config(args: argparse.Namespace) -> Config:
    """The config of a command line, changed by `--cfg-options` and checked."""
    first_step = getattr(args, 'finetune', None)
    recipe = first_step and CONFIGS / '_base_/setups/own_finetune.py'
    cfg = read_config(find_config(args.config), args.cfg_options, recipe)
    if first_step:
        if not os.path.isfile(first_step):
            seen = 'not a regular file' if os.path.exists(first_step) else 'no such file'
            raise ConfigError(f'--finetune {first_step}: {seen}; expected a checkpoint')
        cfg.load_from = first_step
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    return cfg


def load_run(args: argparse.Namespace) -> Config:
    """The config of a run (`RUN`): its folder, precision, and process group where asked."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    console.show(args.verbose, args.quiet)
    cfg = load_config(args)
    name = Path(args.config).stem + '_finetuned' * bool(getattr(args, 'finetune', None))
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'work_dirs/{name}'
    writes_to(cfg.work_dir)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.val_cfg.fp16 = cfg.test_cfg.fp16 = True
    init_processes(cfg, args.launcher)
    return cfg


@contextlib.contextmanager
def progress(args: argparse.Namespace, runner: Runner) -> Iterator[None]:
    """A bar and results on the console, unless it shows mmengine's log or nothing."""
    if is_main_process() and not (args.verbose or args.quiet):
        runner.register_hook(console.ConsoleHook())
    with bars_end(), contextlib.redirect_stdout(sys.stderr):  # upstream prints what it loads
        yield


def training_labels(args: argparse.Namespace) -> Dataset:
    """The training set of a command line, of which the labels alone are read."""
    cfg = load_config(args)
    for reader in readers(cfg.train_dataloader):
        reader.check_images = False
    return build_dataset(cfg, 'train_dataloader')


def split_model(words: Sequence[str], images: bool = False) -> tuple[str | None, str, list[str]]:
    """Config (or None), checkpoint and images of a command line `[CONFIG] CKPT [IMAGE ...]`.

    Raises:
        ConfigError: the checkpoint or the images are missing, or something is left over.
    """
    config, *rest = words if is_config(words[0]) else (None, *words)
    for word in rest:
        if word.endswith('.py'):
            raise ConfigError(f'{word}: a config after {words[0]}; CONFIG comes before CKPT')
    if images and len(rest) < 2:
        raise ConfigError('expected a checkpoint and at least one image')
    if not images and len(rest) != 1:
        raise ConfigError(f'expected [CONFIG] CKPT, got {len(words)} files')
    return config, rest[0], rest[1:]


def load_model(
    args: argparse.Namespace, config: str | None, checkpoint: str, fused: bool = False
) -> apis.LoadedModel:
    """The model of :func:`split_model`'s files and of the options that the command has."""
    known = dict.fromkeys(getattr(args, 'known', None) or (), True)
    known |= dict.fromkeys(getattr(args, 'absent', None) or (), False)
    files = (checkpoint,) if config is None else (config, checkpoint)
    options = dict(device=args.device, cfg_options=args.cfg_options, fused=fused, known=known)
    with contextlib.redirect_stdout(sys.stderr):  # upstream prints what it loads
        return apis.load_model(*files, **options)


def check_new(path: str | Path, force: bool, *endings: str) -> Path:
    """The file to write; an error now rather than after the work.

    Raises a ValueError for a name with none of the `endings`, an OSError where it is there (without
    --force) or its folder takes no files.
    """
    path = Path(path)
    if endings and path.suffix not in endings:
        raise ValueError(f'{path}: expected a name that ends in {" or ".join(endings)}')
    refuse_existing(path, force)
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise PermissionError(f'{path}: its folder does not exist or cannot be written to')
    return path
