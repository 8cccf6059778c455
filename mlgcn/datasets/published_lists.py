"""GKGNet's published annotation lists (`train.data`, `val_test.data`), read without executing them.

They are pickles: a list of dicts with `file_name` and `objects`, a numpy vector of 0 and 1 for each
of COCO's 80 classes in the order of their ids. Only the calls that such a list needs are let
through, and not to numpy, whose own unpickling trusts raw memory and flags from the file. What a
made-up file may cost in memory is not bounded here.
"""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np

from .annotations import AnnotationError, some

NUMBERS = ('b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8')


class _RefusedError(Exception):
    """The file asks for something that no such list needs."""


def read_published_list(path: str | Path, num_classes: int = 80) -> tuple[list[str], np.ndarray]:
    """The file names (N of them) and the labels, uint8 of shape (N, num_classes), 0 or 1.

    Raises:
        FileNotFoundError: there is no such file.
        AnnotationError: the file is not such a list; all that is wrong with it.
    """
    data = Path(path).read_bytes()
    try:
        # a memo slot costs memory up to its number, and no honest file has more than bytes
        for code, argument, _ in pickletools.genops(data):
            if code.name.endswith('PUT') and argument > len(data):
                raise _RefusedError(f'memo slot {argument} in {len(data)} bytes')
        records = _Reader(data).load()
    except _RefusedError as error:
        raise AnnotationError(f'{path}: refused: {error}') from None
    except Exception as error:  # a broken pickle raises nearly anything
        raise AnnotationError(
            f'{path}: expected a pickled list, but it is broken or something else '
            f'({type(error).__name__}: {error})'
        ) from None
    if not isinstance(records, list) or not records:
        seen = 'an empty list' if records == [] else f'a {type(records).__name__}'
        raise AnnotationError(f'{path}: expected a list of dicts, seen {seen}')
    faults = enumerate(_fault(record, num_classes) for record in records)
    problems = [f'{path}: record {i}: {fault}' for i, fault in faults if fault]
    if problems:
        raise AnnotationError(*problems)
    labels = np.array([record['objects'].values for record in records]).astype(np.uint8)
    return [record['file_name'] for record in records], labels


def _fault(record: Any, num_classes: int) -> str:
    """What is wrong with a record; '' for nothing."""
    record = record if isinstance(record, dict) else {}
    name, values = record.get('file_name'), getattr(record.get('objects'), 'values', None)
    if not isinstance(name, str) or not name or not isinstance(values, np.ndarray):
        keys = some(sorted(map(str, record))) or 'none'
        return f"expected a string 'file_name' and a numpy vector 'objects', seen the keys {keys}"
    if len(values) != num_classes or not np.isin(values, (0, 1)).all():
        seen = f'{len(values)}: {np.unique(values)[:5].tolist()}'
        return f"({name}): expected {num_classes} values of 0 or 1 in 'objects', seen {seen}"
    return ''


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
            needed = ', '.join(self.stand_ins)
            raise _RefusedError(f'the pickle asks for {module}.{name}; a list needs only {needed}')
        return self.stand_ins[key]


def _stand_ins() -> dict[str, Any]:
    """Harmless doubles for what numpy's pickles call, by name."""

    class DType:
        """numpy.dtype('i8', False, True), then __setstate__ with the byte order."""

        def __init__(self, code: str, *_: Any) -> None:
            if code not in NUMBERS:
                raise _RefusedError(f'dtype {code!r}; expected a number: {NUMBERS}')
            self.code, self.order = code, '|'

        def __setstate__(self, state: tuple) -> None:
            if state[1] not in ('<', '>', '|', '='):
                raise _RefusedError(f'byte order {state[1]!r}')
            self.order = state[1]

    def numbers(raw: bytes, dtype: DType) -> np.ndarray:
        return np.frombuffer(raw, np.dtype(dtype.code).newbyteorder(dtype.order))

    class Vector:
        """What _reconstruct(numpy.ndarray, (0,), b'b') makes, then __setstate__ fills."""

        def __setstate__(self, state: tuple) -> None:
            _, shape, dtype, _, raw = state
            self.values = numbers(raw, dtype)
            if (len(self.values),) != shape:
                raise _RefusedError(f'an array of shape {shape}; expected vectors')

    def from_buffer(raw: bytes, dtype: DType, shape: tuple, *_: Any) -> Vector:
        vector = Vector()
        vector.__setstate__((1, shape, dtype, False, raw))
        return vector

    return {
        'numpy.core.multiarray._reconstruct': lambda kind, *_: Vector(),
        'numpy.core.multiarray.scalar': lambda dtype, raw: numbers(raw, dtype)[0].item(),
        'numpy.core.numeric._frombuffer': from_buffer,
        'numpy.ndarray': Vector,
        'numpy.dtype': DType,
        # Python 3's way to write bytes in protocols up to 2
        '_codecs.encode': lambda text, encoding: text.encode('latin1'),
    }
