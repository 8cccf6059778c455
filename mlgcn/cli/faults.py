"""Every failure of a command in one line: what happened and what to do."""

import atexit
import errno
import logging
import os
import re
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import torch.distributed
from mmengine.dist import is_distributed

from mlgcn.engine import console
from mlgcn.engine.config import ConfigError
from mlgcn.engine.launch import process_name, record_failure
from mlgcn.engine.work_dir import written_place
from mlgcn.messages import printable
from mlgcn.progress import bars_end

from .refused_part import refused_part

# What a wrong input raises; anything else is a defect of ours and keeps its traceback.
USER_ERRORS = (ValueError, OSError, LookupError, TypeError, ImportError)

LONGEST = 20_000  # characters of a message: names out of files may have millions
SHARED_MEMORY = (
    'no shared memory left for the data loader (/dev/shm); use --cfg-options '
    'train_dataloader.num_workers=0 train_dataloader.persistent_workers=False (the same for '
    'val_dataloader), or give the container more (docker run --shm-size=8g)'
)
OPEN_FILES = 'too many open files; raise the limit (ulimit -n 65536) or lower num_workers'
OUT_OF_MEMORY = 'out of memory; lower train_dataloader.batch_size or num_workers'
DISK = {
    errno.ENOSPC: 'no space left on the disk {mount} ({free:,} bytes are free); make room',
    errno.EDQUOT: 'the quota of the disk {mount} is used up; make room',
    errno.EFBIG: 'a file grew beyond the size limit (ulimit -f); make room',
    errno.EROFS: 'the disk {mount} has become read-only; repair it',
}
LOST = (
    r'Connection (?:closed|reset) by peer|pair closure|Broken pipe|Connection was likely closed'
    r'|remote process exited|[Tt]imed out|client socket has timed out|Socket [Tt]imeout'
    r'|failed to recv|recvValue failed|sendBytes failed|Connection refused'
)
# Parts of messages that torch raises as RuntimeError, and what they mean; the first that fits.
MESSAGES = {
    r'shared memory|/torch_\d+|[Bb]us error': SHARED_MEMORY,
    r'DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\)': (
        'a data loader process (pid {0}) was killed; if the machine ran out of memory (dmesg says '
        'so), lower train_dataloader.num_workers or batch_size; if /dev/shm is full, use '
        'num_workers=0 or docker run --shm-size=8g'
    ),
    r'Too many open files|received 0 items of ancdata': OPEN_FILES,
    r'port: (\d+).*EADDRINUSE': (
        'port {0} is taken by another program; choose another one with PORT= (dist_*.sh and '
        'slurm_*.sh)'
    ),
    "can't allocate memory": OUT_OF_MEMORY,
    r'^\w+ (?:backend )?out of memory': (  # CUDA, HIP, MPS
        '{start} Lower train_dataloader.batch_size (the same total with '
        'optim_wrapper.accumulative_counts=2), use --amp, or recompute activations with '
        'model.backbone.with_cp=True'
    ),
    LOST: (
        'another process of this run ended, hangs, or is out of reach: see its message '
        '(env_cfg.dist_cfg.timeout says how long to wait for it). {start}'
    ),
}


def explain(error: BaseException, place: str | None = None) -> str | None:
    """One line for a fault of the machine in `error` or those that led to it; None: there is none.

    `place`, where the command writes, is named where the error names no file; if it is a training's
    folder, with what was saved there.
    """
    place = place or '.'
    line = next(filter(None, (_explain(cause, place) for cause in _chain(error))), None)
    newest = Path(place, 'last_checkpoint')
    if line and newest.is_file():
        name = Path(newest.read_text().strip()).name
        return f'{line}; then go on with --resume: {name} is whole'
    return line


def lost_connection(error: BaseException) -> bool:
    """Whether `error` says that another process of the run is gone or silent."""
    return any(isinstance(e, RuntimeError) and re.search(LOST, str(e)) for e in _chain(error))


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _explain(error: BaseException, place: str) -> str | None:
    if isinstance(error, OSError) and error.errno in DISK:
        frames = traceback.extract_tb(error.__traceback__)
        if not error.filename and any('multiprocessing' in Path(f.filename).parts for f in frames):
            return SHARED_MEMORY  # a queue or a lock, which lie in /dev/shm
        file = os.fsdecode(error.filename or place)
        folders = [folder for folder in Path(os.path.realpath(file)).parents if folder.exists()]
        mount = next(filter(os.path.ismount, folders))
        free = shutil.disk_usage(mount).free
        return f'{file}: {DISK[error.errno].format(mount=mount, free=free)}'
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return OPEN_FILES
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY
    for pattern, text in MESSAGES.items() if isinstance(error, RuntimeError) else ():
        if found := re.search(pattern, str(error), re.DOTALL):
            # the first sentence, without the place in torch's sources before it
            start = str(error).split('. ')[0].splitlines()[0].rstrip('.').split('] ')[-1]
            return text.format(*found.groups(), start=f'{start}.')
    return None


def run(main: Callable[[], None]) -> None:
    """Call `main`; a failure ends with one line that says what to do.

    The status is 2 for a wrong input, 1 for a fault of the machine (:func:`explain`) or a defect
    of ours, which keeps its traceback. Of several processes the first failure is printed.
    `MLGCN_TRACEBACK=1` shows every traceback.
    """
    logging.setLogRecordFactory(escaped_record)
    console.show()  # results alone, until options of the command say otherwise
    warnings.showwarning = lambda message, *_: print(f'warning: {message}', file=sys.stderr)
    logging.raiseExceptions = False  # a log that can't be written (disk full) is no traceback
    try:
        with bars_end():
            main()
        if is_distributed():
            torch.distributed.destroy_process_group()
            end_now()
    except KeyboardInterrupt:
        sys.exit('interrupted')
    except Exception as error:
        if hasattr(signal, 'SIGCHLD'):  # torch's handler raises again while the error is printed
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if os.environ.get('MLGCN_TRACEBACK'):
            raise
        sys.exit(fail(error))


def end_now() -> None:
    """End this process, whose work is done, without taking torch's objects apart.

    While Python does that, gloo aborts about one process in a hundred, even after
    `destroy_process_group` (torch 2.14.1 alone: 1 of 120 pairs), and the run would count as failed.
    """
    atexit._run_exitfuncs()  # what Python would do first: loggers, workers of data loaders
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def escaped_record(*args: object, **kwargs: object) -> logging.LogRecord:
    """A log record without control characters: names out of files may hold some."""
    record = logging.LogRecord(*args, **kwargs)
    record.msg = printable(str(record.msg))
    if isinstance(record.args, tuple):
        record.args = tuple(printable(a) if isinstance(a, str) else a for a in record.args)
    return record


def fail(error: Exception) -> int:
    """Print `error`, or leave it to the launcher of several processes; the exit status."""
    fault = explain(error, written_place())
    part = '' if fault else refused_part(error)
    status = 2 if fault is None and (part or isinstance(error, USER_ERRORS)) else 1
    if fault or status == 2:
        sys.unraisablehook = lambda unraisable: None  # errors while the interpreter shuts down
        line = f'{part}: ' * bool(part) + one_line(error) + _place(error)
        text = f'error: {process_name()}{fault or line}'
    else:
        text = process_name() + ''.join(traceback.format_exception(error)).rstrip()
    if len(text) > LONGEST:
        text = f'{text[:LONGEST]}... ({len(text) - LONGEST:,} more characters)'
    if not record_failure(text, caused_by_peer=lost_connection(error)):
        print(printable(text), file=sys.stderr)
    return status


def _place(error: Exception) -> str:
    """Where `error` was raised; nothing where mlgcn did so: then its message says everything."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    file, line = where.filename, where.lineno
    if of_worker(error):
        file, line = re.findall(r'^ *File "(.+)", line (\d+)', str(error), re.MULTILINE)[-1]
    ours = Path(file).is_relative_to(Path(__file__).parents[1])
    if isinstance(error, ConfigError) or ours and isinstance(error, (ValueError, OSError)):
        return ''
    place = f'{type(error).__name__} in {os.path.basename(file)}:{line}'
    return f'\n  ({place}; MLGCN_TRACEBACK=1 shows the whole traceback)'


def one_line(error: BaseException) -> str:
    """The message without the traceback that a DataLoader worker puts into it."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if of_worker(error):
        lines = [re.sub(rf'^[\w.]*{type(error).__name__}: ', '', lines[-1])]
    if not lines and isinstance(error, AssertionError):  # what it asserts
        lines = [traceback.extract_tb(error.__traceback__)[-1].line or '']
    return ' '.join(lines) or type(error).__name__


def of_worker(error: BaseException) -> bool:
    """Whether its text is 'Caught X in DataLoader worker process 0.', a traceback, 'X: message'."""
    return re.match('Caught .*worker process', str(error)) is not None
