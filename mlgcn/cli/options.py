"""Options that several commands share, each defined once, and what they stand for."""

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
from mlgcn.apis.shipped_configs import find_config, is_config
from mlgcn.atomic_files import refuse_existing
from mlgcn.checkpoints import trust_checkpoints
from mlgcn.datasets import readers
from mlgcn.engine import console
from mlgcn.engine.config import build_dataset, read_config
from mlgcn.engine.config_check import ConfigError
from mlgcn.engine.launch import init_processes
from mlgcn.engine.overrides import Text
from mlgcn.engine.work_dir import writes_to
from mlgcn.messages import nearest


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all failures do."""

    def error(self, message: str) -> None:
        wrong = message.partition('unrecognized arguments: ')[2].split() or ['']
        hint = nearest(wrong[0], self._option_string_actions)
        raise ConfigError(f'{message}{hint or ";"} {self.prog} --help lists the options')


class TrustCheckpoint(argparse.Action):
    """`--trust-checkpoint` takes effect while the command line is read."""

    def __call__(self, *args: object) -> None:
        trust_checkpoints()


class KeyValue(argparse.Action):
    """`--cfg-options KEY=VALUE ...` to {KEY: Text}; `read_config` decides what the texts mean."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        options = dict(getattr(namespace, self.dest) or {})
        for word in values:
            key, equals, text = word.partition('=')
            if not (equals and key.strip()):
                expected = 'KEY=VALUE, without spaces around the =; quote values with spaces'
                parser.error(f'{option_string} {word!r}: expected {expected}')
            if key in options and options[key] != text:
                parser.error(f'{option_string} {key}: given twice, {options[key]!r} and {text!r}')
            options[key] = Text(text)
        setattr(namespace, self.dest, options)


OPTIONS = {
    'config': dict(help='config file, or the name of a shipped one, e.g. addgcn_coco_448'),
    'model': dict(
        nargs='+', metavar='[CONFIG] CKPT',
        help="CONFIG: a file or a shipped config's name; not needed for mlgcn's own checkpoints",
    ),
    '--work-dir': dict(help='where logs and checkpoints go (work_dirs/CONFIG)'),
    '--amp': dict(action='store_true', help='automatic mixed precision'),
    '--seed': dict(type=int, help='of everything random'),
    '--cfg-options': dict(
        nargs='+', action=KeyValue, default={}, metavar='KEY=VALUE',
        help="override keys of the config, e.g. train_dataloader.batch_size=8 or 'a.b=[1,2]'",
    ),
    '--launcher': dict(
        choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='see dist_*.sh'
    ),
    '--local-rank': dict(type=int, default=0, help=argparse.SUPPRESS),
    '--trust-checkpoint': dict(
        action=TrustCheckpoint, nargs=0,
        help='run the code in checkpoints that the allow-list refuses: only for files of people '
        'whom you trust with everything on this machine',
    ),
    '--device': dict(help='e.g. cpu or cuda:1 (a GPU where there is one)'),
    '--threshold': dict(
        type=float,
        help="labels from this probability on, all classes (the checkpoint's thresholds, or 0.5)",
    ),
    '--known': dict(nargs='+', metavar='LABEL', help='labels known to be there (C-Tran)'),
    '--absent': dict(nargs='+', metavar='LABEL', help='labels known not to be there (C-Tran)'),
    '--tta': dict(action='store_true', help='average the logits of picture and mirror image'),
    '--top-k': dict(type=int, metavar='K', help='the K most probable labels'),
    '--verbose': dict(action='store_true', help="print mmengine's whole log"),
    '--quiet': dict(action='store_true', help='print warnings, errors and results alone'),
    '--out': dict(metavar='PATH'),
    '--force': dict(action='store_true', help='overwrite an existing file'),
}  # fmt: skip
RUN = ('config', '--work-dir', '--amp', '--cfg-options', '--launcher', '--local-rank',
       '--trust-checkpoint', '--verbose', '--quiet')  # fmt: skip
MODEL = ('model', '--cfg-options', '--trust-checkpoint')


def add(parser: argparse._ActionsContainer, *names: str, **changes: object) -> None:
    """Add shared options by name; `changes` (such as another `help`) go to all of them."""
    for name in names:
        parser.add_argument(name, **{**OPTIONS[name], **changes})


def load_config(args: argparse.Namespace) -> Config:
    """The config of a command line, changed by `--cfg-options` and checked."""
    cfg = read_config(find_config(args.config), args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    return cfg


def load_run(args: argparse.Namespace) -> Config:
    """The config of a run (`RUN`): its folder, precision, and process group where asked."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    console.show(args.verbose, args.quiet)
    cfg = load_config(args)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'work_dirs/{Path(args.config).stem}'
    writes_to(cfg.work_dir)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.val_cfg.fp16 = cfg.test_cfg.fp16 = True
    init_processes(cfg, args.launcher)
    return cfg


@contextlib.contextmanager
def progress(args: argparse.Namespace, runner: Runner) -> Iterator[None]:
    """A bar and results on the console, unless it shows mmengine's log or nothing."""
    hook = console.ConsoleHook()
    if is_main_process() and not (args.verbose or args.quiet):
        runner.register_hook(hook)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # upstream prints which files it loads
            yield
    finally:
        if hook.progress.live.is_started:  # only where stderr is a terminal
            hook.progress.stop()  # an error is the last thing on the screen


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
    if images and len(rest) < 2:
        raise ConfigError('expected a checkpoint and at least one image')
    if not images and len(rest) != 1:
        raise ConfigError(f'expected [CONFIG] CKPT, got {len(words)} files')
    return config, rest[0], rest[1:]


def load_model(args: argparse.Namespace, fused: bool = False) -> apis.LoadedModel:
    """The model of a command line `[CONFIG] CKPT IMAGE ...`; upstream's log goes to stderr."""
    config, checkpoint, _ = split_model(args.model, images=True)
    console.show()
    known = dict.fromkeys(args.known or (), True) | dict.fromkeys(args.absent or (), False)
    with contextlib.redirect_stdout(sys.stderr):
        return apis.load_model(
            config or checkpoint, config and checkpoint, args.device, args.cfg_options, fused, known
        )


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
