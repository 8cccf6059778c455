"""GKGNet's published annotation lists (`train.data`, `val_test.data`), read without executing them.

The files are pickles: a list of dicts with `file_name` and `objects`, a numpy vector of 0 and 1
with one entry for each of COCO's 80 classes in the order of their ids. A pickle is a program that
may call anything, so only the calls that such a list needs are let through, and not even they
reach numpy: its own unpickling trusts raw memory and flags from the file. What stands in for it
here only takes plain numbers out of bytes.

This guards against what a file may do, not against what it may cost: a made-up file can still ask
for much memory or nest so deep that Python gives up.
"""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np

NUMBERS = ('b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8')


class _Refused(Exception):
    """The file asks for something that no such list needs."""


def read_published_list(path: str | Path, num_classes: int = 80) -> tuple[list[str], np.ndarray]:
    """The file names (N of them) and the labels, uint8 of shape (N, num_classes), 0 or 1.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not such a list; what it asks for or holds instead is named.
    """
    data = Path(path).read_bytes()
    try:
        # a memo slot costs memory up to its number, and no honest file has more than bytes
        for code, argument, _ in pickletools.genops(data):
            if code.name.endswith('PUT') and argument > len(data):
                raise _Refused(f'memo slot {argument} in {len(data)} bytes')
        records = _Reader(data).load()
    except _Refused as error:
        raise ValueError(f'{path}: refused: {error}') from None
    except Exception as error:  # a broken pickle raises nearly anything
        raise ValueError(
            f'{path}: expected a pickled list, but it is broken or something else '
            f'({type(error).__name__}: {error})'
        ) from None
    return _checked(records, path, num_classes)


class _Reader(pickle.Unpickler):
    """Gives the stand-ins below for the globals that pickled numpy arrays name, and no others.

    They are made anew for every file, so that none can spoil them for the next.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.stand_ins = _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        key = f'{module}.{name}'.replace('numpy._core.', 'numpy.core.')  # numpy 2's name for it
        if key not in self.stand_ins:
            raise _Refused(
                f'the pickle asks for {module}.{name}; a list of numpy vectors needs none but '
                f'{", ".join(self.stand_ins)}'
            )
        return self.stand_ins[key]


def _stand_ins() -> dict[str, Any]:
    """Harmless doubles for what numpy's pickles call, by name."""

    class DType:
        """numpy.dtype('i8', False, True), then __setstate__ with the byte order."""

        def __init__(self, code: str, *_: Any) -> None:
            if code not in NUMBERS:
                raise _Refused(f'dtype {code!r}; expected a number: {NUMBERS}')
            self.code, self.order = code, '|'

        def __setstate__(self, state: tuple) -> None:
            if state[1] not in ('<', '>', '|', '='):
                raise _Refused(f'byte order {state[1]!r}')
            self.order = state[1]

    def numbers(raw: bytes, dtype: DType) -> np.ndarray:
        return np.frombuffer(raw, np.dtype(dtype.code).newbyteorder(dtype.order))

    class Vector:
        """What _reconstruct(numpy.ndarray, (0,), b'b') makes, then __setstate__ fills."""

        def __setstate__(self, state: tuple) -> None:
            _, shape, dtype, _, raw = state
            self.values = numbers(raw, dtype)
            if (len(self.values),) != shape:
                raise _Refused(f'an array of shape {shape}; expected vectors')

    def reconstruct(kind: type, *_: Any) -> Vector:
        return Vector()

    def from_buffer(raw: bytes, dtype: DType, shape: tuple, *_: Any) -> Vector:
        vector = Vector()
        vector.__setstate__((1, shape, dtype, False, raw))
        return vector

    def scalar(dtype: DType, raw: bytes) -> Any:
        return numbers(raw, dtype)[0].item()

    def encode(text: str, encoding: str) -> bytes:
        return text.encode('latin1')  # Python 3's way to write bytes in protocols up to 2

    return {
        'numpy.core.multiarray._reconstruct': reconstruct,
        'numpy.core.multiarray.scalar': scalar,
        'numpy.core.numeric._frombuffer': from_buffer,
        'numpy.ndarray': Vector,
        'numpy.dtype': DType,
        '_codecs.encode': encode,
    }


def _checked(records: Any, path: str | Path, num_classes: int) -> tuple[list[str], np.ndarray]:
    """The list's content, or a ValueError that names the first record that is not as expected."""
    if not isinstance(records, list) or not records:
        seen = 'an empty list' if records == [] else f'a {type(records).__name__}'
        raise ValueError(f'{path}: expected a list of dicts, seen {seen}')
    names, labels = [], np.zeros((len(records), num_classes), np.uint8)
    for i, record in enumerate(records):
        name = record.get('file_name') if isinstance(record, dict) else None
        values = getattr(record.get('objects'), 'values', None) if name else None
        if not isinstance(name, str) or not isinstance(values, np.ndarray):
            seen = f'the keys {sorted(map(str, record))}' if isinstance(record, dict) else 'no dict'
            raise ValueError(
                f"{path}: record {i}: expected a dict with a string 'file_name' and a numpy vector "
                f"'objects', seen {seen}"
            )
        if len(values) != num_classes or ((values != 0) & (values != 1)).any():
            raise ValueError(
                f'{path}: record {i} ({name}): expected {num_classes} values of 0 or 1 in '
                f"'objects', seen {len(values)}: {np.unique(values)[:5].tolist()}"
            )
        names.append(name)
        labels[i] = values
    return names, labels
