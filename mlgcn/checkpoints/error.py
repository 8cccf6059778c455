"""The error of everything that reads, writes or converts weights."""

from collections.abc import Iterator
from contextlib import contextmanager


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
