"""What the command-line tools share: options, and errors in one line."""

import argparse
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable

from mmengine.config import Config, DictAction

from mlgcn.checkpoints.safe_load import trust_checkpoints
from mlgcn.engine.config_check import ConfigError
from mlgcn.engine.config_file import read_config
from mlgcn.engine.launch import init_processes, may_speak, process_name
from mlgcn.engine.work_dir import claimed

from .faults import explain, lost_connection

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
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config, args.cfg_options)
    stem = os.path.splitext(os.path.basename(args.config))[0]
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or os.path.join('work_dirs', stem)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.val_cfg.fp16 = cfg.test_cfg.fp16 = True
    init_processes(cfg, args.launcher)
    return cfg


def run(main: Callable[[], None]) -> None:
    """Call `main`; a failure ends with one line that says what to do.

    The status is 2 for a wrong input, 1 for a fault of the machine (:func:`mlgcn.cli.faults`) or
    a defect of ours, which keeps its traceback. Of several processes the one that failed first
    speaks. `MLGCN_TRACEBACK=1` shows every traceback.
    """
    logging.raiseExceptions = False  # a log that can't be written (disk full) is no traceback
    try:
        main()
    except KeyboardInterrupt:
        sys.exit('interrupted')
    except Exception as error:
        if hasattr(signal, 'SIGCHLD'):  # torch's handler raises again while the error is printed
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if os.environ.get('MLGCN_TRACEBACK'):
            raise
        sys.exit(fail(error))


def fail(error: Exception) -> int:
    """Print `error`, where it is this process's to say; the exit status."""
    fault = explain(error, claimed())
    line = process_name() + (fault or one_line(error))
    known = fault is not None or isinstance(error, USER_ERRORS)
    if known:
        sys.unraisablehook = lambda unraisable: None  # what falls apart on the way out
    if may_speak(line, consequence=lost_connection(error)):
        _print(error, line, known, place=fault is None and not isinstance(error, ConfigError))
    return 2 if known and fault is None else 1


def _print(error: Exception, line: str, known: bool, place: bool) -> None:
    if not known:
        print(process_name(), file=sys.stderr, end='')
        traceback.print_exception(error)
        return
    print(f'error: {line}', file=sys.stderr)
    if place:
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f'  ({type(error).__name__} in {os.path.basename(where.filename)}:{where.lineno}; '
            'MLGCN_TRACEBACK=1 shows the whole traceback)',
            file=sys.stderr,
        )


def one_line(error: BaseException) -> str:
    """The message without the traceback that a DataLoader worker puts into it."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith('Caught ') and 'worker process' in lines[0]:
        lines = lines[-1:]
    return ' '.join(lines) or type(error).__name__
