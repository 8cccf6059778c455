"""The one error of everything that reads or converts weights."""


class CheckpointError(ValueError):
    """A file that is no checkpoint, is damaged, holds other weights or asks for too much."""
