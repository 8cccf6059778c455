"""Classes by the names that configs and Python have for them."""

import pytest

import mlgcn


def test_unknown_names():
    with pytest.raises(AttributeError, match='did you mean .ADDGCNHead'):
        mlgcn.ADDGCNHed  # noqa: B018
    with pytest.raises(ImportError):
        from mlgcn import _nothing  # noqa: F401
    assert not hasattr(mlgcn, 'nothing_of_that_kind') and 'load' in dir(mlgcn)
