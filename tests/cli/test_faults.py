"""Faults of the machine are told in words that say what to do; other errors are left alone."""

import errno
import logging
import multiprocessing
import os
import re

import pytest
import torch
from torch._utils import ExceptionWrapper

import mlgcn as package
from mlgcn.cli.faults import escaped_record, explain, fail, lost_connection
from mlgcn.messages import printable


def chained(cause: Exception) -> Exception:
    """A RuntimeError while `cause` was handled, as torch.save raises it."""
    try:
        try:
            raise cause
        except OSError:
            raise RuntimeError('unexpected pos 64 vs 0')  # noqa: B904
    except RuntimeError as error:
        return error


def os_error(number, name=None):
    return OSError(number, os.strerror(number), name)


SHM = 'unable to allocate shared memory(shm) for file </torch_1_2_0>: No space left on device (28)'
ADDRESS = (
    'The server socket has failed to listen on any local network address. port: 29689, useIpv6: '
    'false, code: -98, name: EADDRINUSE, message: address already in use'
)
CUDA = 'CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79 GiB'


@pytest.mark.parametrize('error, words', [
    (os_error(errno.ENOSPC, 'w/epoch_2.pth'), ['w/epoch_2.pth: no space']),
    (os_error(errno.ENOSPC), ['my_run: no space', 'make room']),
    (os_error(errno.EDQUOT, 'w/a'), ['quota']),
    (os_error(errno.EFBIG, 'w/a'), ['ulimit -f']),
    (os_error(errno.EROFS, 'w/a'), ['w/a', 'read-only']),
    (os_error(errno.EMFILE), ['ulimit -n']),
    (chained(os_error(errno.ENOSPC, 'w/a')), ['w/a: no space']),
    (RuntimeError(SHM), ['/dev/shm', 'num_workers=0', '--shm-size']),
    (RuntimeError('DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that '
                  "dataloader's workers are out of shared memory."), ['/dev/shm', '--shm-size']),
    (RuntimeError('DataLoader worker (pid(s) 11, 12) exited unexpectedly'),
     ['pid 11, 12', 'memory', 'num_workers']),
    (torch.distributed.DistNetworkError(ADDRESS), ['port 29689', 'PORT=']),
    (torch.OutOfMemoryError(CUDA), ['CUDA out of memory', 'batch_size', 'accumulative_counts',
                                    'with_cp']),
    (MemoryError(), ['out of memory', 'batch_size']),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
     ['out of memory', 'batch_size']),
    (RuntimeError('[/w/pair.cc:561] Connection closed by peer [127.0.0.1]:37587. GLHF!'),
     ['another process', 'Connection closed by peer']),
    (RuntimeError('[/w/x.cc:78] Timed out waiting 6000ms for recv operation to complete'),
     ['another process', 'env_cfg.dist_cfg.timeout', '6000ms']),
])  # fmt: skip
def test_words(error, words):
    text = explain(error, 'my_run')
    assert '\n' not in text
    for word in words:
        assert word in text


def test_what_was_saved_is_named(tmp_path):
    text = explain(os_error(errno.ENOSPC), str(tmp_path))
    assert '--resume' not in text
    (tmp_path / 'last_checkpoint').write_text(f'{tmp_path}/epoch_3.pth')
    text = explain(os_error(errno.ENOSPC), str(tmp_path))
    assert text.endswith('; then go on with --resume: epoch_3.pth is whole')


def test_what_a_command_writes_and_its_disk_are_named(mlgcn, tmp_path, monkeypatch):
    def full(*_):
        raise os_error(errno.ENOSPC)

    monkeypatch.setattr('mlgcn.cli.scenes.main', full)
    out = tmp_path / 'new' / 'scenes'
    error = mlgcn('scenes', out).error
    mount = next(str(folder) for folder in out.parents if os.path.ismount(folder))
    assert f'{out}: no space' in error and f'disk {mount} (' in error
    assert re.search(r'\([\d,]+ bytes are free\)', error)


def test_queues_need_shared_memory(monkeypatch):
    def refuse(*args):
        raise os_error(errno.ENOSPC)

    refuse.SEM_VALUE_MAX = 1
    monkeypatch.setattr('_multiprocessing.SemLock', refuse)
    with pytest.raises(OSError) as caught:
        multiprocessing.get_context('fork').Lock()
    assert '/dev/shm' in explain(caught.value, 'my_run')


@pytest.mark.parametrize(
    'error', [ValueError('port: 3'), RuntimeError('shapes differ'), os_error(errno.ENOENT, 'a')]
)
def test_other_errors(error):
    assert explain(error) is None
    assert not lost_connection(error)


def test_a_lost_process_is_a_consequence_and_a_broken_download_is_not():
    assert lost_connection(RuntimeError('Application timeout caused pair closure'))
    assert not lost_connection(ConnectionResetError(errno.ECONNRESET, 'Connection reset by peer'))


CLEAR = 'a\x1b[2Jb\x07\x9b1m\u202e\udcff'  # clears a terminal, rings, turns the writing


def test_control_characters_are_escaped(capsys):
    """Names of classes and files come out of other people's files."""
    try:
        raise ValueError(CLEAR)
    except ValueError as error:
        assert fail(error) == 2
    assert printable(CLEAR) in capsys.readouterr().err
    record = escaped_record('x', logging.INFO, 'f', 1, CLEAR, (), None)
    assert record.getMessage() == printable(CLEAR)
    record = escaped_record('x', logging.INFO, 'f', 1, '%s of %d', (CLEAR, 3), None)
    assert record.getMessage() == printable(CLEAR) + ' of 3'


def test_an_error_of_a_worker_reads_like_ours(capsys):
    """torch puts the worker's traceback into the text; it ends where mlgcn raised."""
    try:
        exec(compile("raise OSError('a.jpg: no such file')", package.__file__, 'exec'))
    except OSError:
        packed = ExceptionWrapper(where='in DataLoader worker process 0')
    with pytest.raises(OSError, match='Caught OSError') as raised:
        packed.reraise()
    assert fail(raised.value) == 2
    assert capsys.readouterr().err == 'error: a.jpg: no such file\n'
