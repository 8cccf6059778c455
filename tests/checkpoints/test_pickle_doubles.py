"""Shapes and texts that doubles let through; what each refuses is in test_restricted_pickle.py."""

import pytest

from mlgcn.checkpoints.pickle_doubles import check_shape, short


def test_shapes_of_weights_pass():
    for shape in ((), (0,), (1,) * 64, (2**59,)):
        check_shape(shape)
    for shape in ((1,) * 65, (0, 2**60)):
        with pytest.raises(ValueError, match=f'{len(shape)} dimensions'):
            check_shape(shape)


def test_texts_are_cut_and_containers_are_not_read():
    endless = []
    endless += [endless, endless]
    assert short(endless) == 'a list' and len(short('x' * 10**6)) == 42
