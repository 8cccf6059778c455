"""The folder of a run: one can write there, there is room, and no other run uses it."""

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import nn

from .config import ConfigError

_locks: list[FileLock] = []  # a lock ends with its object, at the latest
_places: list[str] = []


def writes_to(path: str) -> None:
    """Note the file or folder that this process writes, for the message about a full disk."""
    _places[:] = [path]


def written_place() -> str | None:
    """What was noted last."""
    return _places[0] if _places else None


def claim(work_dir: str) -> None:
    """Make the folder, and lock it in rank 0 until that process ends, however it ends.

    The lock is the kernel's (`flock`), and filelock keeps it from the data loader's processes,
    which outlive a killed run by seconds. What filelock lacks is the holder's name: it is written
    beside the lock.

    Raises:
        ConfigError: the folder can't be written, or another run (named with pid and host) has it.
    """
    lock, holder = FileLock(Path(work_dir, '.lock')), Path(work_dir, '.lock_holder')
    _locks[:] = [lock]
    writes_to(work_dir)
    if not is_main_process():
        return
    try:
        os.makedirs(work_dir, exist_ok=True)
        with tempfile.TemporaryFile(dir=work_dir) as file:
            file.write(bytes(2**16))
    except OSError as error:
        error.filename = error.filename or work_dir  # for a full disk's message
        reason = 'it is not a folder' if isinstance(error, FileExistsError) else error.strerror
        seen = f'the work dir cannot be written ({reason})'
        raise ConfigError(f'{work_dir}: {seen}; choose another --work-dir') from error
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        name = holder.read_text().strip() if holder.exists() else 'just started'
        seen = f'another run is training there ({name})'
        raise ConfigError(f'{work_dir}: {seen}; stop it, or choose another --work-dir') from error
    except OSError:  # e.g. ENOLCK
        print_log(f'{work_dir}: no locks on this file system: start one run here', 'current')
    holder.write_text(f'pid {os.getpid()} on {socket.gethostname()} since {time.strftime("%F %T")}')


def refuse_finished(runner: Runner) -> None:
    """Raise a ConfigError where an earlier run has left checkpoints and this one starts anew."""
    found = sorted(Path(runner.work_dir).glob('*.pth'))
    if found and not runner._resume:
        advice = '--resume goes on with it, --force overwrites it, --work-dir names another folder'
        raise ConfigError(f'{found[-1]}: a checkpoint of an earlier run; {advice}')


def check_room(runner: Runner) -> None:
    """Raise a ConfigError, with both figures, where the disk has no room for the checkpoints.

    A checkpoint is taken for the weights and two moments of what is trained. Those that the work
    dir holds already count as room, because new ones replace them.
    """
    model, hook = runner.model, runner.cfg.default_hooks.checkpoint
    if not isinstance(model, nn.Module) or not is_main_process():
        return  # FlexibleRunner builds the model later
    size = sum(v.nbytes for v in model.state_dict().values())
    size += sum(2 * p.nbytes for p in model.parameters() if p.requires_grad)
    copies = max(hook.get('max_keep_ckpts', 1), 1) + bool(hook.get('save_best')) + 1
    held = sum(path.stat().st_size for path in Path(runner.work_dir).glob('*.pth'))
    free = shutil.disk_usage(runner.work_dir).free
    if free + held < copies * size:
        needed = f'the {copies} checkpoints of the config take {copies * size / 1e6:,.0f} MB'
        advice = 'take another --work-dir, or lower default_hooks.checkpoint.max_keep_ckpts'
        seen = f'{free / 1e6:,.0f} MB are free, but {needed}'
        raise ConfigError(f'{runner.work_dir}: {seen}; {advice}')
