"""Unpickles tensors, containers and plain values, and refuses everything else.

Neither torch's restricted unpickler nor mmengine's allow-list for it will do: they let through
`bytearray(n)`, `_codecs.encode(x, 'hex')` (twice the size at every call), tensors that claim more
elements than are stored, and numpy's own classes, whose `__setstate__` trusts raw memory in the
file: a dtype's state can make the process read and write anywhere. Here a pickle reaches none of
them. What it calls is a double from :func:`_doubles`, which checks its arguments; the doubles are
made anew for each file, so that none can alter them for the next.
"""

import io
import pickle
import pickletools
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor

# Not among them: extension codes, protocol 0's INST and OBJ, persistent ids as text, buffers
OPCODES = """
    PROTO FRAME STOP MARK POP POP_MARK GLOBAL STACK_GLOBAL REDUCE NEWOBJ BUILD BINPERSID MEMOIZE
    BINPUT LONG_BINPUT BINGET LONG_BINGET NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1
    BINFLOAT BINUNICODE SHORT_BINUNICODE BINBYTES SHORT_BINBYTES SHORT_BINSTRING EMPTY_DICT
    EMPTY_LIST EMPTY_SET EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS SETITEM SETITEMS
    ADDITEMS
"""
STORAGES = {
    'DoubleStorage': torch.float64,
    'FloatStorage': torch.float32,
    'HalfStorage': torch.float16,
    'BFloat16Storage': torch.bfloat16,
    'LongStorage': torch.int64,
    'IntStorage': torch.int32,
    'ShortStorage': torch.int16,
    'CharStorage': torch.int8,
    'ByteStorage': torch.uint8,
    'BoolStorage': torch.bool,
    'UntypedStorage': torch.uint8,
}
DTYPES = {*STORAGES.values(), torch.uint16, torch.uint32, torch.uint64}
NUMBERS = ('b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8')
MAX_DEPTH = 64
MAX_OPCODES = 500_000  # Pyramid ViG s with AdamW state and EMA has 56,400
SPARE = 2**24  # bytes of views and repeated values that any file may have beyond its own size


class RefusedError(Exception):
    """The pickle asks for something that no checkpoint needs; `names` are the globals, if any."""

    def __init__(self, message: str, names: tuple[str, ...] = ()):
        super().__init__(message)
        self.names = names


def read_pickle(file: BinaryIO) -> bytes:
    """The bytes of one pickle in `file`, checked without running it.

    Raises:
        RefusedError: it asks for what is not in :func:`_doubles`, or for much memory.
        ValueError: not a pickle, or a truncated one.
    """
    start, size = file.tell(), file.seek(0, io.SEEK_END)
    file.seek(start)
    known, unknown, opcodes = _doubles(), set(), set(OPCODES.split())
    for number, (code, argument, _) in enumerate(pickletools.genops(file)):
        if code.name not in opcodes:
            raise RefusedError(f'its pickle uses {code.name}, which torch.save does not write')
        if number > MAX_OPCODES:
            raise RefusedError(f'its pickle has more than {MAX_OPCODES:,} steps')
        # the unpickler makes room up to the number of a memo slot
        if code.name.endswith('PUT') and argument > size:
            raise RefusedError(f'memo slot {argument:,} in a file of {size:,} bytes')
        if code.name == 'GLOBAL' and _name(*argument.split(' ', 1)) not in known:
            unknown.add(argument.replace(' ', '.').replace('__builtin__.', 'builtins.'))
        if code.name == 'LONG1' and argument.bit_length() > 64:
            raise RefusedError('a number of more than 64 bits')
    if unknown:
        names = tuple(sorted(unknown))
        raise RefusedError('it asks for ' + ', '.join(names), names)
    end = file.tell()
    file.seek(start)
    return file.read(end - start)


def unpickle(data: bytes, storage: Callable[..., Tensor], file_size: int) -> Any:
    """The content of a pickle, in dicts, lists, tuples, sets, numbers, strings and tensors.

    Log buffers (`HistoryBuffer`), numpy arrays and numbers come out as such.

    Args:
        data: from :func:`read_pickle`.
        storage: the tensor (1-D, typed) for a persistent id `(dtype, key, number of elements)`.
        file_size: bytes of the whole file, which bound what the content may amount to.

    Raises:
        RefusedError: it calls something in a way no checkpoint does, or amounts to more bytes than
            the file.
        Exception: nearly any, where the pickle is damaged.
    """
    content = _Unpickler(data, storage).load()
    return _Content(4 * file_size + SPARE).plain(content)


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, storage: Callable[..., Tensor]):
        super().__init__(io.BytesIO(data), encoding='utf-8')
        self.storage, self.doubles = storage, _doubles()

    def find_class(self, module: str, name: str) -> Any:
        if _name(module, name) not in self.doubles:
            raise RefusedError(f'it asks for {module}.{name}', (f'{module}.{name}',))
        return self.doubles[_name(module, name)]

    def persistent_load(self, pid: tuple) -> '_Found':
        _, dtype, key, _, numel, *rest = pid
        if any(value is not None for value in rest):
            raise RefusedError('it has views of storages, as torch up to 0.3 wrote them')
        return _found(self.storage(dtype, key, numel))


def _name(module: str, name: str) -> str:
    """The key of :func:`_doubles`; Python 2's and numpy 1's modules under their present names."""
    module = 'builtins' if module == '__builtin__' else module
    if module == 'torch.storage':
        module = 'torch'
    return f'{module}.{name}'.replace('numpy._core.', 'numpy.core.')


class _Found:
    """Holds a value that a double has made: a pickle's BUILD reaches the holder alone."""

    value: Any = None


def _found(value: Any) -> _Found:
    holder = _Found()
    holder.value = value
    return holder


def _doubles() -> dict[str, Any]:
    """What a checkpoint may call, by name. Only immutable types of Python and torch are real."""
    return {
        'builtins.complex': complex,
        'builtins.set': set,
        'collections.Counter': lambda counts=(): _found(Counter(dict(counts))),
        'collections.OrderedDict': OrderedDict,
        'torch.Size': torch.Size,
        'torch.device': torch.device,
        **{str(dtype): dtype for dtype in DTYPES},
        **{f'torch.{name}': dtype for name, dtype in STORAGES.items()},
        **_tensor_doubles(),
        **_numpy_doubles(),
    }


def _tensor_doubles() -> dict[str, Any]:
    def tensor(storage: _Found, offset: int, size: tuple, stride: tuple, *_: Any) -> _Found:
        return _found(torch.as_strided(storage.value, tuple(size), tuple(stride), offset))

    def of_dtype(storage: _Found, offset: int, size: tuple, stride: tuple, *rest: Any) -> _Found:
        return tensor(_found(storage.value.view(rest[2])), offset, size, stride)

    def encoded(text: str, encoding: str) -> bytes:
        if encoding != 'latin1':  # Python 3's way to write bytes in protocol 2
            raise RefusedError(f'_codecs.encode to {str(encoding)[:40]!r}')
        return text.encode('latin1')

    return {
        '_codecs.encode': encoded,
        'torch._utils._rebuild_parameter': lambda data, *_: data,
        'torch._utils._rebuild_tensor': tensor,
        'torch._utils._rebuild_tensor_v2': tensor,
        'torch._utils._rebuild_tensor_v3': of_dtype,
    }


def _numpy_doubles() -> dict[str, Any]:
    """Of numpy's arrays and numbers, and of mmengine's log buffers, which hold them."""

    class DType:
        """numpy.dtype('f8', False, True), then its state with the byte order."""

        def __init__(self, code: str, *_: Any):
            if code not in NUMBERS:
                raise RefusedError(f'a numpy array of {str(code)[:40]!r}')
            self.code, self.order = code, '='

        def __setstate__(self, state: tuple) -> None:
            if state[1] not in ('<', '>', '|', '='):
                raise RefusedError(f'byte order {str(state[1])[:40]!r}')
            self.order = state[1]

    class Array(_Found):
        """numpy.ndarray, made by _reconstruct and filled by its state."""

        def __setstate__(self, state: tuple) -> None:
            _, shape, dtype, fortran, raw = state
            values = np.frombuffer(raw, np.dtype(dtype.code).newbyteorder(dtype.order))
            native = values.astype(values.dtype.newbyteorder('='))  # a copy, which can be written
            self.value = native.reshape(shape, order='F' if fortran else 'C')

    class History(_Found):
        def __setstate__(self, state: dict) -> None:
            log, count = state['_log_history'].value, state['_count_history'].value
            self.value = HistoryBuffer(log, count, int(state.get('max_length', 1_000_000)))

    def scalar(dtype: DType, raw: bytes) -> _Found:
        array = Array()
        array.__setstate__((1, (1,), dtype, False, raw))
        return _found(array.value[0].item())

    def statistics_method(owner: type, name: str) -> str:
        if owner is not History or name not in ('mean', 'max', 'min', 'current'):
            raise RefusedError(f'attribute {str(name)[:40]!r}', ('builtins.getattr',))
        return name

    return {
        'builtins.getattr': statistics_method,
        'mmengine.logging.history_buffer.HistoryBuffer': History,
        'numpy.core.multiarray._reconstruct': lambda *_: Array(),
        'numpy.core.multiarray.scalar': scalar,
        'numpy.dtype': DType,
        'numpy.ndarray': Array,
    }


class _Content:
    """Replaces doubles by their values, and adds up what the content amounts to.

    Repetition costs a pickle two bytes, whatever is repeated; a file that a reader would have to
    copy, print or hash for gigabytes is refused here.
    """

    def __init__(self, limit: int):
        self.limit = limit

    def plain(self, node: Any, depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            raise RefusedError(f'nested more than {MAX_DEPTH} deep')
        if isinstance(node, _Found):
            return self.plain(node.value, depth + 1)
        # about what Python needs for one, so that a small file has 260,000 values at most
        self.limit -= 64 + getattr(node, 'nbytes', 0)
        if isinstance(node, (str, bytes)):
            self.limit -= len(node)
        if self.limit < 0:
            raise RefusedError('its content amounts to more bytes than the file holds')
        if isinstance(node, dict):
            plain = {self.plain(k, depth + 1): self.plain(v, depth + 1) for k, v in node.items()}
            return Counter(plain) if type(node) is Counter else plain
        if type(node) in (list, tuple, set):
            return type(node)(self.plain(item, depth + 1) for item in node)
        plain = (type(None), bool, int, float, complex, str, bytes, Tensor, torch.Size)
        if isinstance(node, (*plain, torch.dtype, torch.device, np.ndarray, HistoryBuffer)):
            return node
        raise RefusedError(f'a {type(node).__name__} where a value is expected')
