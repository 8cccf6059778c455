"""GKGNet's published annotation lists (`train.data`, `val_test.data`), read without executing them.

They are pickles: a list of dicts with `file_name` and `objects`, a numpy vector of 0 and 1 for each
of COCO's 80 classes in the order of their ids.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from mlgcn.datasets.annotations import AnnotationError
from mlgcn.messages import some

from .pickle_doubles import RefusedError
from .restricted_pickle import unpickle

MAX_STEPS = 10_000_000  # a list of COCO's 82,783 training images has about two million


def read_published_list(path: str | Path, num_classes: int = 80) -> tuple[list[str], np.ndarray]:
    """The file names (N of them) and the labels, uint8 of shape (N, num_classes), 0 or 1.

    Raises:
        FileNotFoundError: there is no such file.
        AnnotationError: the file is not such a list; all that is wrong with it.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # opening a pipe would wait
        raise AnnotationError(f'{path}: not a regular file')
    with open(path, 'rb') as file:
        try:
            records = unpickle(file, _no_tensor, os.path.getsize(path), MAX_STEPS)
        except RefusedError as error:
            raise AnnotationError(f'{path}: refused: {error}') from None
        except Exception as error:  # a broken pickle raises nearly anything
            seen = f'{type(error).__name__}: {error}'
            raise AnnotationError(f'{path}: expected a whole pickled list, seen {seen}') from None
    if not isinstance(records, list) or not records:
        seen = 'an empty list' if records == [] else f'a {type(records).__name__}'
        raise AnnotationError(f'{path}: expected a list of dicts, seen {seen}')
    faults = enumerate(_fault(record, num_classes) for record in records)
    problems = [f'{path}: record {i}: {fault}' for i, fault in faults if fault]
    if problems:
        raise AnnotationError(*problems)
    labels = np.array([record['objects'] for record in records]).astype(np.uint8)
    return [record['file_name'] for record in records], labels


def _no_tensor(*_: Any) -> None:
    raise RefusedError('it refers to a tensor')


def _fault(record: Any, num_classes: int) -> str:
    """What is wrong with a record; '' for nothing."""
    record = record if isinstance(record, dict) else {}
    name, values = record.get('file_name'), record.get('objects')
    if not isinstance(name, str) or not name or not isinstance(values, np.ndarray):
        keys = some(sorted(map(str, record))) or 'none'
        return f"expected a string 'file_name' and a numpy vector 'objects', seen the keys {keys}"
    if values.shape != (num_classes,) or not np.isin(values, (0, 1)).all():
        seen = f'{values.shape}: {np.unique(values)[:5].tolist()}'
        return f"({name}): expected {num_classes} values of 0 or 1 in 'objects', seen {seen}"
    return ''
