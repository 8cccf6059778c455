"""Compile this package's C files once per machine, with the C compiler that is there."""

import ctypes
import functools
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from mmengine.logging import print_log

FLAGS = ['-O3', '-march=native', '-fno-math-errno', '-shared', '-fPIC']


@functools.cache
def compiled(name: str) -> ctypes.CDLL | None:
    """The shared library of mlgcn/ops/NAME.c, or None (logged once) where it can't be had.

    It is compiled by $CC (`cc`) for the processor at hand, in about a second, and kept in
    $XDG_CACHE_HOME/mlgcn (~/.cache/mlgcn) under a name that tells source, compiler and processor.
    MLGCN_COMPILE=0 turns it off: everything then runs on PyTorch alone.
    """
    if os.environ.get('MLGCN_COMPILE') == '0' or sys.platform == 'win32':
        return None
    source = Path(__file__).with_name(f'{name}.c')
    compiler = shlex.split(os.environ.get('CC', 'cc'))
    try:
        # the compiler's predefined macros: its version, and what the processor can do
        macros = _output([*compiler, '-march=native', '-dM', '-E', '-x', 'c', os.devnull])
        digest = hashlib.sha256(source.read_bytes() + macros).hexdigest()[:16]
        with tempfile.TemporaryDirectory() as scratch:
            library = _cache_folder(scratch) / f'{name}-{digest}.so'
            if not library.exists():
                new = Path(scratch) / 'new.so'
                _output([*compiler, *FLAGS, '-o', str(new), str(source), '-lm'])
                partial = library.with_suffix(f'.{os.getpid()}')
                partial.write_bytes(new.read_bytes())
                os.replace(partial, library)  # processes that compile at once do no harm
            return ctypes.CDLL(str(library))
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, 'stderr', b'').decode(errors='replace').strip().splitlines()
        print_log(
            f'{name}.c was not compiled ({detail[0] if detail else error}): PyTorch or Pillow do '
            'its work, slower, with the same results; a C compiler named in $CC helps',
            logger='current',
        )
        return None


def on_all_threads(work: Callable[[], int]) -> None:
    """Call `work`, a C function that takes parts until none is left, on torch's number of threads.

    Raises:
        MemoryError: one of the calls does not return 0.
    """
    threads = torch.get_num_threads()
    others = [_pool(os.getpid()).submit(work) for _ in range(threads - 1)] if threads > 1 else []
    failed = [work(), *(other.result() for other in others)]
    if any(failed):
        raise MemoryError('the compiled neighbour search got no memory')


@functools.cache
def _pool(pid: int) -> ThreadPoolExecutor:
    """Threads of this process; a forked one has none of its parent's."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix='mlgcn')


def _output(command: list[str]) -> bytes:
    return subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout


def _cache_folder(otherwise: str) -> Path:
    """A folder that belongs to this user alone; `otherwise` if there is none."""
    try:
        folder = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'mlgcn'
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if (
            status.st_uid == os.getuid()
            and not status.st_mode & 0o022
            and os.access(folder, os.W_OK)
        ):
            return folder
    except (OSError, RuntimeError):
        pass
    return Path(otherwise)
