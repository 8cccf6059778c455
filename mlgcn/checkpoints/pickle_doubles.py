"""What a pickle of a checkpoint may call, by name: doubles that check their arguments."""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

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


class RefusedError(Exception):
    """The pickle asks for something that no checkpoint needs; `name` is the global, if any."""

    def __init__(self, message: str, name: str = ''):
        super().__init__(message)
        self.name = name


def check_shape(shape: Sequence[int]) -> None:
    """Raise a ValueError for a shape that torch takes, but whose strides overflow or numpy refuses.

    A tensor without elements may claim any other sizes.
    """
    if len(shape) > 64 or math.prod(max(n, 1) for n in shape) >= 2**60:
        raise ValueError(f'a tensor of {len(shape)} dimensions whose sizes are out of range')


class Found:
    """Holds a value that a double has made, which a pickle's BUILD does not reach."""

    def __init__(self, value: Any = None):
        self.value = value

    def __setstate__(self, state: Any) -> None:
        raise RefusedError('it gives a state to what has none')


def short(value: Any) -> str:
    """A value for a message: lists may hold each other, and their text be without end."""
    return repr(value[:40]) if isinstance(value, str) else f'a {type(value).__name__}'


def doubles(checked: Callable[[Iterable], list]) -> dict[str, Any]:
    """What a checkpoint may call, by name. Only immutable types of Python and torch are real."""

    def ordered(items: list = ()) -> OrderedDict:  # items: as Python 2 wrote them
        checked(key for key, _ in items)
        return OrderedDict(items)

    return {
        'builtins.complex': complex,
        'builtins.set': lambda items=(): set(checked(items)),
        'collections.Counter': lambda counts: Found(Counter(dict.copy(counts))),
        'collections.OrderedDict': ordered,
        'torch.Size': torch.Size,
        'torch.device': torch.device,
        **{str(dtype): dtype for dtype in DTYPES},
        **{f'torch.{name}': dtype for name, dtype in STORAGES.items()},
        **_tensor_doubles(),
        **_numpy_doubles(),
    }


def _tensor_doubles() -> dict[str, Any]:
    def tensor(storage: Found, offset: int, size: tuple, stride: tuple, *_: Any) -> Found:
        check_shape(size)
        return Found(torch.as_strided(storage.value, tuple(size), tuple(stride), offset))

    def of_dtype(storage: Found, offset: int, size: tuple, stride: tuple, *rest: Any) -> Found:
        return tensor(Found(storage.value.view(rest[2])), offset, size, stride)

    def encoded(text: str, encoding: str) -> bytes:
        if encoding != 'latin1':  # Python 3's way to write bytes in protocol 2
            raise RefusedError(f'_codecs.encode to {short(encoding)}')
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
        """numpy.dtype('f8', False, True), then its state."""

        def __init__(self, code: str, *_: Any):
            if code not in NUMBERS:
                raise RefusedError(f'a numpy array of {short(code)}')
            self.code = code

        def __setstate__(self, state: tuple) -> None:
            if state[1] not in ('<', '|'):  # little-endian, or single bytes
                raise RefusedError(f'byte order {short(state[1])}')

    class Array(Found):
        """numpy.ndarray, made by _reconstruct and filled by its state."""

        def __setstate__(self, state: tuple) -> None:
            _, shape, dtype, fortran, raw = state
            values = np.frombuffer(raw, dtype.code).copy()  # a copy can be written
            self.value = values.reshape(shape, order='F' if fortran else 'C')

    class History(Found):
        def __setstate__(self, state: dict) -> None:
            log, count = state['_log_history'].value, state['_count_history'].value
            self.value = HistoryBuffer(log, count, int(state.get('max_length', 1_000_000)))

    def scalar(dtype: DType, raw: bytes) -> Found:
        return Found(np.frombuffer(raw, dtype.code).item())

    def statistics_method(owner: type, name: str) -> str:
        if owner is not History or name not in ('mean', 'max', 'min', 'current'):
            raise RefusedError(f'attribute {short(name)}', 'builtins.getattr')
        return name

    return {
        'builtins.getattr': statistics_method,
        'mmengine.logging.history_buffer.HistoryBuffer': History,
        'numpy.core.multiarray._reconstruct': lambda *_: Array(),
        'numpy.core.multiarray.scalar': scalar,
        'numpy.dtype': DType,
        'numpy.ndarray': Array,
    }
