"""Unpickles tensors, containers and plain values, and refuses everything else.

Neither torch's restricted unpickler nor mmengine's allow-list for it will do: they let through
`bytearray(n)`, `_codecs.encode(x, 'hex')` (twice the size at every call), tensors that claim more
elements than are stored, and numpy's own classes, whose `__setstate__` trusts raw memory in the
file: a dtype's state can make the process read and write anywhere. Here a pickle reaches none of
them. What it calls is a double from :meth:`_Unpickler.find_class`, which checks its arguments; the
doubles are made anew for each file, so that none can alter them for the next.
"""

import pickle
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor

from .pickle_doubles import Found, RefusedError, doubles

# Not among them: extension codes, protocol 0's INST and OBJ, persistent ids as text, buffers
OPCODES = """
    PROTO FRAME STOP MARK POP POP_MARK GLOBAL STACK_GLOBAL REDUCE NEWOBJ BUILD BINPERSID MEMOIZE
    BINPUT LONG_BINPUT BINGET LONG_BINGET NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1
    BINFLOAT BINUNICODE SHORT_BINUNICODE BINBYTES SHORT_BINBYTES SHORT_BINSTRING EMPTY_DICT
    EMPTY_LIST EMPTY_SET EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS SETITEM SETITEMS
    ADDITEMS
"""
STEPS = {getattr(pickle, name)[0] for name in OPCODES.split()}
# where the keys are on the stack when a value is stored under each
KEYS = {'SETITEM': slice(-2, -1), 'SETITEMS': slice(0, None, 2), 'ADDITEMS': slice(None)}
KEYS_OF_STEP = {getattr(pickle, name)[0]: place for name, place in KEYS.items()}
MAX_DEPTH = 64
MAX_STEPS = 300_000  # Pyramid ViG s with AdamW state and EMA has 56,400
MAX_KEYS = 20_000  # that are not text: numbers of parameters and classes
SPARE = 2**24  # bytes of views and repeated values that any file may have beyond its own size


def unpickle(
    file: BinaryIO, storage: Callable[..., Tensor], file_size: int, max_steps: int = MAX_STEPS
) -> Any:
    """The content of the pickle at the place of `file`, which stands after it then.

    That is dicts, lists, tuples, sets, numbers, strings, tensors, log buffers (`HistoryBuffer`),
    and numpy's arrays and numbers.

    Args:
        storage: the tensor (1-D, typed) for a persistent id `(dtype, key, number of elements)`.
        file_size: bytes of the whole file, which bound what the content may amount to.

    Raises:
        RefusedError: it asks for what no checkpoint does, or amounts to more bytes than the file.
        Exception: nearly any, where the pickle is damaged.
    """
    return _Content(4 * file_size + SPARE).plain(_Unpickler(file, storage, max_steps).load())


class _Unpickler(pickle._Unpickler):
    """Python's own, as joblib uses it: it is slower than C's, but looks every step up in a table.

    Whoever writes a file can choose numbers and tuples that fall on one place of Python's hash
    tables, so that 100,000 of them take minutes; text is hashed with a secret of the process.
    """

    def __init__(self, file: BinaryIO, storage: Callable[..., Tensor], max_steps: int):
        super().__init__(file, encoding='utf-8')
        self.storage, self.doubles = storage, doubles(self.checked)
        self.dispatch = _Dispatch(self.check_step)
        self.max_steps, self.steps, self.other_keys = max_steps, 0, 0

    def check_step(self, code: int) -> None:
        """Called before each step."""
        self.steps += 1
        if self.steps > self.max_steps:
            raise RefusedError(f'its pickle has more than {self.max_steps:,} steps')
        if code not in STEPS:
            raise RefusedError(f'its pickle uses {bytes([code])}, which torch.save does not write')
        if code in KEYS_OF_STEP:
            self.checked(self.stack[KEYS_OF_STEP[code]])

    def checked(self, keys: Iterable) -> list:
        """A list of `keys`, which cost little to store values under."""
        keys = list(keys)
        for key in keys:
            if isinstance(key, (str, bytes)):
                continue
            self.other_keys += 1
            large = isinstance(key, int) and key.bit_length() > 64
            if large or not isinstance(key, (int, float, type(None), Found)):
                raise RefusedError(f'a {"large " * large}{type(key).__name__} is a key')
            if self.other_keys > MAX_KEYS:
                raise RefusedError(f'more than {MAX_KEYS:,} keys are not text')
        return keys

    def find_class(self, module: str, name: str) -> Any:
        # Python 2's and numpy 1's modules under their present names
        module = {'__builtin__': 'builtins', 'torch.storage': 'torch'}.get(module, module)
        full_name = f'{module}.{name}'.replace('numpy._core.', 'numpy.core.')
        if full_name not in self.doubles:
            raise RefusedError(f'it asks for {full_name[:100]}', full_name[:100])
        return self.doubles[full_name]

    def persistent_load(self, pid: tuple) -> 'Found':
        _, dtype, key, _, numel, *rest = pid
        if not isinstance(key, str) or not isinstance(numel, int):
            raise RefusedError(f'it has a storage named by a {type(key).__name__}')
        if any(value is not None for value in rest):
            raise RefusedError('it has views of storages, as torch up to 0.3 wrote them')
        return Found(self.storage(dtype, key, numel))


class _Dispatch(dict):
    """pickle's table of steps, with a call before each."""

    def __init__(self, before: Callable[[int], None]):
        super().__init__(pickle._Unpickler.dispatch)
        self.before = before

    def __getitem__(self, code: int) -> Callable:
        self.before(code)
        return super().__getitem__(code)


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
        if isinstance(node, Found):
            return self.plain(node.value, depth + 1)
        # about what Python needs for one, so that a small file has 260,000 values at most
        self.limit -= 64
        if isinstance(node, (Tensor, np.ndarray)):
            self.limit -= node.nbytes
        elif isinstance(node, (str, bytes)):
            self.limit -= len(node)
        if self.limit < 0:
            raise RefusedError('its content amounts to more bytes than the file holds')
        if isinstance(node, dict):
            # a file can give an OrderedDict attributes of its own, such as `items`
            items = dict.items(node)
            plain = {self.plain(k, depth + 1): self.plain(v, depth + 1) for k, v in items}
            return Counter(plain) if type(node) is Counter else plain
        if type(node) in (list, tuple, set):
            return type(node)(self.plain(item, depth + 1) for item in node)
        plain = (type(None), bool, int, float, complex, str, bytes, Tensor, torch.Size)
        if isinstance(node, (*plain, torch.dtype, torch.device, np.ndarray, HistoryBuffer)):
            return node
        raise RefusedError(f'a {type(node).__name__} where a value is expected')
