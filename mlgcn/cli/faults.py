"""Every failure of a command in one line: what happened and what to do."""

import errno
import logging
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from mlgcn.checkpoints.error import printable
from mlgcn.engine.config import ConfigError
from mlgcn.engine.launch import process_name, record_failure
from mlgcn.engine.work_dir import claimed

# What a wrong input raises; anything else is a defect of ours and keeps its traceback.
USER_ERRORS = (ValueError, OSError, LookupError, TypeError, ImportError)

SHARED_MEMORY = (
    'no shared memory left for the data loader (/dev/shm); use --cfg-options '
    'train_dataloader.num_workers=0 train_dataloader.persistent_workers=False (the same for '
    'val_dataloader), or give the container more (docker run --shm-size=8g)'
)
OPEN_FILES = 'too many open files; raise the limit (ulimit -n 65536) or lower num_workers'
DISK_FULL = {
    errno.ENOSPC: 'no space left on the disk',
    errno.EDQUOT: 'the disk quota is used up',
    errno.EFBIG: 'a file grew beyond the size limit (ulimit -f)',
}
# Parts of messages that torch raises as RuntimeError, and what they mean.
MESSAGES = (
    (r'shared memory|/torch_\d+|out of shared memory|[Bb]us error', SHARED_MEMORY),
    (
        r'DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\)',
        'a data loader process (pid {0}) was killed; if the machine ran out of memory (dmesg says '
        'so), lower train_dataloader.num_workers or batch_size; if /dev/shm is full, use '
        'num_workers=0 or docker run --shm-size=8g',
    ),
    (r'Too many open files|received 0 items of ancdata', OPEN_FILES),
    (
        r'port: (\d+).*EADDRINUSE',
        'port {0} is taken by another program; choose another one with PORT= (dist_*.sh and '
        'slurm_*.sh)',
    ),
    (
        r"can't allocate memory",
        'out of memory; lower train_dataloader.batch_size or num_workers',
    ),
)
LOST = (
    r'Connection (closed|reset) by peer|pair closure|Broken pipe|Connection was likely closed'
    r'|remote process exited|[Tt]imed out|client socket has timed out|Socket [Tt]imeout'
    r'|failed to recv|recvValue failed|sendBytes failed|Connection refused'
)


def explain(error: BaseException, work_dir: str | None = None) -> str | None:
    """One line for a fault of the machine, or None where `error` is something else.

    Args:
        error: looked at with the errors that led to it.
        work_dir: where a training writes: named where the error names no file, and with what it
            has saved.
    """
    for cause in _chain(error):
        text = _explain(cause, work_dir)
        if text is not None:
            return text + _how_to_go_on(work_dir)
    return None


def lost_connection(error: BaseException) -> bool:
    """Whether `error` says that another process of the run is gone or silent."""
    return any(
        isinstance(cause, RuntimeError) and re.search(LOST, str(cause)) for cause in _chain(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _explain(error: BaseException, work_dir: str | None) -> str | None:
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        if not error.filename and _through(error, 'multiprocessing'):
            return SHARED_MEMORY  # a queue or a lock, which lie in /dev/shm
        where = os.fsdecode(error.filename) if error.filename else work_dir or 'the work dir'
        return f'{where}: {DISK_FULL[error.errno]}; make room'
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return f'{error.filename or work_dir}: the disk has become read-only; repair it'
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return OPEN_FILES
    if isinstance(error, torch.OutOfMemoryError):
        return (
            f'{_first_line(error)} Lower train_dataloader.batch_size (the same total with '
            'optim_wrapper.accumulative_counts=2), use --amp, or recompute activations with '
            'model.backbone.with_cp=True'
        )
    if isinstance(error, MemoryError):
        return 'out of memory; lower train_dataloader.batch_size or num_workers'
    if isinstance(error, RuntimeError):
        for pattern, text in MESSAGES:
            found = re.search(pattern, str(error), re.DOTALL)
            if found:
                return text.format(*found.groups())
        if re.search(LOST, str(error)):
            reason = _first_line(error).split('] ')[-1]
            return (
                'another process of this run ended, hangs, or is out of reach: see its message '
                f'(env_cfg.dist_cfg.timeout says how long to wait for it). {reason}'
            )
    return None


def _how_to_go_on(work_dir: str | None) -> str:
    newest = Path(work_dir or '', 'last_checkpoint')
    if not work_dir or not newest.is_file():
        return ''
    return f'; then go on with --resume: {Path(newest.read_text().strip()).name} is whole'


def _through(error: BaseException, package: str) -> bool:
    """Whether `error` came through a module of `package`."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(package in Path(frame.filename).parts for frame in frames)


def _first_line(error: BaseException) -> str:
    return str(error).split('. ')[0].splitlines()[0].rstrip('.') + '.'


def run(main: Callable[[], None]) -> None:
    """Call `main`; a failure ends with one line that says what to do.

    The status is 2 for a wrong input, 1 for a fault of the machine (:func:`explain`) or a defect
    of ours, which keeps its traceback. Of several processes the first failure is printed.
    `MLGCN_TRACEBACK=1` shows every traceback.
    """
    logging.setLogRecordFactory(escaped_record)
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


def escaped_record(*args: object, **kwargs: object) -> logging.LogRecord:
    """A log record without control characters: names out of files may hold some."""
    record = logging.LogRecord(*args, **kwargs)
    record.msg = printable(str(record.msg))
    if isinstance(record.args, tuple):
        record.args = tuple(printable(a) if isinstance(a, str) else a for a in record.args)
    return record


def fail(error: Exception) -> int:
    """Print `error`, or leave it to the launcher of several processes; the exit status."""
    fault = explain(error, claimed())
    line = process_name() + (fault or one_line(error))
    known = fault is not None or isinstance(error, USER_ERRORS)
    if known:
        sys.unraisablehook = lambda unraisable: None  # errors while the interpreter shuts down
    text = failure_text(error, line, known, fault is None and not _deliberate(error))
    if not record_failure(text, caused_by_peer=lost_connection(error)):
        print(printable(text), file=sys.stderr)
    return 2 if known and fault is None else 1


def _deliberate(error: Exception) -> bool:
    """Whether mlgcn itself raised `error` for a wrong input; its message says everything."""
    where = traceback.extract_tb(error.__traceback__)[-1].filename
    ours = Path(where).is_relative_to(Path(__file__).parents[1])
    return isinstance(error, ConfigError) or ours and isinstance(error, (ValueError, OSError))


def failure_text(error: Exception, line: str, known: bool, place: bool) -> str:
    """What a user reads: one line, with the place of the fault where that may help."""
    if not known:
        return process_name() + ''.join(traceback.format_exception(error)).rstrip()
    if not place:
        return f'error: {line}'
    where = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f'error: {line}\n  ({type(error).__name__} in {os.path.basename(where.filename)}:'
        f'{where.lineno}; MLGCN_TRACEBACK=1 shows the whole traceback)'
    )


def one_line(error: BaseException) -> str:
    """The message without the traceback that a DataLoader worker puts into it."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith('Caught ') and 'worker process' in lines[0]:
        lines = lines[-1:]
    return ' '.join(lines) or type(error).__name__
