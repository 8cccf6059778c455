"""What the command-line tools share: options, and errors in one line."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable

from mmengine.config import Config, DictAction

from mlgcn.datasets import use_own_photos

from .config_check import ConfigError, check_config, check_overrides
from .launch import init_processes
from .safe_load import trust_checkpoints

# What a wrong input raises; anything else is a defect of ours and keeps its traceback.
USER_ERRORS = (ValueError, OSError, LookupError, TypeError, ImportError)


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Options that every tool with a config has."""
    parser.add_argument('config', help='config file, e.g. configs/addgcn/addgcn_coco_448.py')
    parser.add_argument('--work-dir', help='where logs and checkpoints go (work_dirs/CONFIG)')
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help="override keys of the config, e.g. train_dataloader.batch_size=8 or 'a.b=[1,2]'",
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='see dist_*.sh',
    )
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    add_trust_option(parser)


class TrustCheckpoint(argparse.Action):
    """`--trust-checkpoint` takes effect while the command line is read."""

    def __call__(self, *args: object) -> None:
        trust_checkpoints()


def add_trust_option(parser: argparse.ArgumentParser) -> None:
    """The one way to have a checkpoint unpickled in full."""
    parser.add_argument(
        '--trust-checkpoint',
        action=TrustCheckpoint,
        nargs=0,
        help='run the code in checkpoints that the allow-list refuses: only for files of people '
        'whom you trust with everything on this machine',
    )


def load_config(args: argparse.Namespace) -> Config:
    """The config with the command line's changes, checked; process group joined where asked.

    Raises:
        ConfigError: the file is missing or not a config, or a key or class is mistyped.
    """
    if not os.path.isfile(args.config):
        raise ConfigError(f'{args.config}: no such config file')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    try:
        cfg = Config.fromfile(args.config)
    except (SyntaxError, NameError, AttributeError, KeyError) as error:
        raise ConfigError(f'{args.config}: {error}') from error
    check_overrides(cfg, args.cfg_options)
    cfg.merge_from_dict(args.cfg_options)
    use_own_photos(cfg)
    check_config(cfg)
    stem = os.path.splitext(os.path.basename(args.config))[0]
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or os.path.join('work_dirs', stem)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.val_cfg.fp16 = cfg.test_cfg.fp16 = True
    init_processes(cfg, args.launcher)
    return cfg


def run(main: Callable[[], None]) -> None:
    """Call `main`; a wrong input ends with one line and status 2 (all of it: MLGCN_TRACEBACK=1)."""
    try:
        main()
    except KeyboardInterrupt:
        sys.exit('interrupted')
    except USER_ERRORS as error:
        if os.environ.get('MLGCN_TRACEBACK'):
            raise
        print(f'error: {one_line(error)}', file=sys.stderr)
        where = traceback.extract_tb(error.__traceback__)[-1]
        if not isinstance(error, ConfigError):
            print(
                f'  ({type(error).__name__} in {os.path.basename(where.filename)}:{where.lineno}; '
                'MLGCN_TRACEBACK=1 shows the whole traceback)',
                file=sys.stderr,
            )
        sys.exit(2)


def one_line(error: BaseException) -> str:
    """The message without the traceback that a DataLoader worker puts into it."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith('Caught ') and 'worker process' in lines[0]:
        lines = lines[-1:]
    return ' '.join(lines) or type(error).__name__
