"""Reads checkpoint files (.pth of both formats, .safetensors) without running what is in them."""

import io
import json
import logging
import os
import pickle
import re
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.logging import print_log
from safetensors import safe_open
from torch import Tensor

from mlgcn.messages import some
from mlgcn.zip_files import open_zip

from .pickle_doubles import DTYPES, RefusedError, check_shape
from .restricted_pickle import unpickle

FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'  # torch's own switch, see mlgcn/engine/upstream_patches.py
# torch.save before version 1.6: this number, the format's version, then the pickles
LEGACY = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
ONNX = rb'\x08.{1,2}\x12.(?:pytorch|onnx|tf2onnx|skl2onnx|keras2onnx)'
# what is not a checkpoint, and the pattern of its first bytes, in letters of any case
KINDS = {
    'a git-lfs pointer, not the file itself (git lfs pull fetches it)': rb'version https://git-lfs',
    'a web page, as a link to a page instead of a file gives it': rb'<!doctype|<html',
    'an XML file': rb'<\?xml',
    'a picture': rb'\xff\xd8\xff|\x89png|gif8|ii\*\0|mm\0\*|riff',
    'an archive (gzip, bzip2, xz or zstd)': rb'\x1f\x8b|bzh|\xfd7zxz|\x28\xb5\x2f\xfd',
    'an archive (7z or rar)': rb'7z\xbc\xaf|rar!',
    'an HDF5 file (Keras?)': rb'\x89hdf',
    'a numpy array (.npy)': rb'\x93numpy',
    'a GGUF file': rb'gguf',
    'a pickle that torch.save did not write': rb'\x80',
    'a list of the parts of a model (*.index.json), expected one file': rb'.*"weight_map"',
    'an ONNX model, expected the checkpoint that it was made from': ONNX,
    'a tar archive': rb'.{257}ustar',
    'an empty file, or nothing but spaces': rb'\Z',
    'it begins with zeros, as an interrupted copy leaves them': rb'\0+\Z',
}
PICKLE = re.compile(r'/data\.pkl$')
MAX_JSON = 2**22
MAX_HEADER = 2**22  # bytes: 40,000 entries, or a config
SAFETENSORS = 'text of the safetensors header'  # a key of the content
_trusting = False


class CheckpointError(ValueError):
    """A file that is no checkpoint, is damaged, holds other weights or asks for too much."""


@contextmanager
def about(name: object) -> Iterator[None]:
    """Put `name`, a file, before the message of a CheckpointError that does not have it."""
    try:
        yield
    except CheckpointError as error:
        if str(error).startswith(f'{name}'):
            raise
        raise CheckpointError(f'{name}: {error}') from error.__cause__


def trust_checkpoints() -> None:
    """From here on this process unpickles checkpoints that the allow-list refuses (and says so)."""
    global _trusting
    _trusting = True


def safe_load(file: Any) -> Any:
    """The content of a checkpoint on the CPU: tensors, numbers, text and log buffers.

    Args:
        file: path, or a binary file object. Of .safetensors (known by its first bytes) a dict with
            `state_dict` and SAFETENSORS, the format's metadata.

    Raises:
        CheckpointError: in one line, what `file` asked for, is instead, or what is damaged.
        OSError: it is not there, or can't be read.
    """
    name = getattr(file, 'name', file) if hasattr(file, 'read') else os.fspath(file)
    with about(name), _opened(file) as opened:
        try:
            return _read(opened, file)
        except RefusedError as error:
            return _trusted(file, error)
        except CheckpointError:
            raise
        except Exception as error:  # a damaged file raises nearly anything
            reason = ' '.join(str(error).split())[:160] or type(error).__name__
            raise CheckpointError(f'not a readable checkpoint ({reason})') from error


@contextmanager
def _opened(file: Any) -> Iterator[Any]:
    """`file` as a binary file object; of a path only regular files that are not empty."""
    if hasattr(file, 'read'):
        yield io.BytesIO(file.read())
        return
    if not os.path.exists(file):
        raise FileNotFoundError(f'{file}: no such checkpoint file')
    mode = os.stat(file).st_mode
    if not stat.S_ISREG(mode):  # opening a pipe would wait for its other end
        kind = 'a folder' if stat.S_ISDIR(mode) else 'not a regular file'
        raise CheckpointError(f'not a checkpoint: {kind}')
    with open(file, 'rb') as opened:
        yield opened


def _read(opened: Any, file: Any) -> Any:
    head, size = opened.read(512), opened.seek(0, io.SEEK_END)
    opened.seek(0)
    if head.startswith(b'PK\x03\x04'):
        return _read_zip(opened, size)
    if head.startswith(LEGACY):
        return _read_legacy(opened, size)
    header = int.from_bytes(head[:8], 'little')  # length of .safetensors' list of entries
    if head[8:9] == b'{' and header < 2**32:  # text has larger numbers in its first 8 bytes
        if header > MAX_HEADER:
            raise CheckpointError(f'its header has {header:,} bytes, expected a few thousand')
        return _read_safetensors(file)
    hint = '; CONFIG comes before CKPT' if str(file).endswith('.py') else ''
    raise CheckpointError(f'not a checkpoint: {kind_of(head)}{hint}')


def kind_of(head: bytes) -> str:
    """What a file with these first bytes is, which is not a checkpoint."""
    start = head.removeprefix(b'\xef\xbb\xbf').lstrip()  # a byte order mark
    for kind, pattern in KINDS.items():
        if re.match(pattern, start, re.DOTALL | re.IGNORECASE):
            return kind
    if head.isascii() and b'\0' not in head and head.strip():
        return f'a text file that begins with {head.strip().decode().splitlines()[0][:40]!r}'
    return f'it begins with {head[:8]!r}; damaged?'


def _read_zip(opened: Any, size: int) -> Any:
    """torch.save's format since 1.6: one pickle, and an entry for each storage."""
    archive = open_zip(opened, most=size, kind=PICKLE)  # torch does not compress
    names = archive.namelist()
    pickles = [name for name in names if name.endswith('/data.pkl')]
    folder = pickles[0].removesuffix('data.pkl') if pickles else ''
    if f'{folder}constants.pkl' in names:
        raise CheckpointError('TorchScript (torch.jit.save), expected a checkpoint')
    if len(pickles) != 1:
        raise CheckpointError(f'not a checkpoint: a zip archive of {some(names, 1)!r}')
    if f'{folder}byteorder' in names and archive.read(f'{folder}byteorder') != b'little':
        raise CheckpointError('written on a big-endian machine')
    storages: dict[str, Tensor] = {}

    def storage(dtype: torch.dtype, key: str, numel: int) -> Tensor:
        if key not in storages:
            storages[key] = _of_bytes(archive.read(f'{folder}data/{key}'), dtype)
        if storages[key].dtype != dtype or len(storages[key]) != numel:
            raise ValueError(f'storage {key[:20]} is of another size or type')
        return storages[key]

    return unpickle(io.BytesIO(archive.read(pickles[0])), storage, size)


def _read_legacy(opened: Any, size: int) -> Any:
    """torch.save's format before 1.6: a pickle, the order of the storages, and their bytes."""
    storages: dict[str, Tensor] = {}
    left = size

    def storage(dtype: torch.dtype, key: str, numel: int) -> Tensor:
        nonlocal left
        if key not in storages:
            left -= numel * dtype.itemsize
            if numel < 0 or left < 0:
                raise ValueError(f'its storages claim more than its {size:,} bytes')
            storages[key] = torch.empty(numel, dtype=dtype)
        return storages[key]

    opened.seek(len(LEGACY))
    unpickle(opened, storage, size)  # sizes of the machine's integers
    content = unpickle(opened, storage, size)
    for key in unpickle(opened, storage, size):
        value = storages.pop(key)
        (numel,) = struct.unpack('<q', opened.read(8))
        raw = opened.read(value.nbytes)
        if numel != len(value) or len(raw) < value.nbytes:
            raise ValueError(f'storage {str(key)[:20]} is cut short or of another size')
        value.copy_(_of_bytes(raw, value.dtype))
    if storages:
        raise ValueError(f'{len(storages)} storages are missing')
    return content


def _of_bytes(raw: bytes, dtype: torch.dtype) -> Tensor:
    if not raw:
        return torch.empty(0, dtype=dtype)
    return torch.frombuffer(bytearray(raw), dtype=dtype)


def _read_safetensors(file: Any) -> dict[str, Any]:
    with safe_open(os.fspath(file), framework='pt', device='cpu') as opened:
        weights = {}
        for key in opened.keys():  # noqa: SIM118
            weights[key] = opened.get_tensor(key)
            if weights[key].dtype not in DTYPES:
                raise CheckpointError(f'{key} is {weights[key].dtype}, which is not supported')
            check_shape(weights[key].shape)
        return {'state_dict': weights, SAFETENSORS: opened.metadata() or {}}


def _trusted(file: Any, refused: RefusedError) -> Any:
    """What torch unpickles in full, where the user asked for that; else the error."""
    # other kinds of tensors, or damage, would not become weights of a model
    helps = refused.name and not refused.name.startswith('torch.')
    if not _trusting or not helps:
        advice = 'ask its author for a file that holds only the state_dict'
        if helps:
            advice += ' or, if you trust them with all on this machine, use --trust-checkpoint'
        told = 'Only tensors, numbers, strings and log buffers are read, so that no code runs'
        raise CheckpointError(f'not loaded, because {refused}. {told}; {advice}') from refused
    told = f'UNPICKLED IN FULL because of --trust-checkpoint ({refused})'
    print_log(f'{file}: {told}: code in it runs with your rights', 'current', logging.WARNING)
    forced = os.environ.pop(FORCE, None)
    try:
        return torch.load(file, map_location='cpu', weights_only=False)
    finally:
        if forced is not None:
            os.environ[FORCE] = forced


def read_json(text: str) -> Any:
    """JSON text out of metadata: of bounded size, and without Python's recursion errors."""
    if not isinstance(text, str) or len(text) > MAX_JSON:
        raise CheckpointError(f'its metadata is not JSON text of at most {MAX_JSON:,} characters')
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f'its metadata is not JSON ({str(error)[:80]})') from error
