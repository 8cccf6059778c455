"""Random states, saved and restored."""

import io
import random

import numpy as np
import torch

from mlgcn.engine.run_state import is_finite, random_state, set_random_state, unchanged_randomness


def draw():
    normal = np.random.randn()  # numpy keeps the second of two, torch too
    return random.random(), random.gauss(0, 1), normal, torch.randn(()).item()


def test_saved_and_restored():
    draw()
    file = io.BytesIO()
    torch.save(random_state(), file)
    expected = [draw() for _ in range(3)]
    file.seek(0)
    set_random_state(torch.load(file, weights_only=True))
    assert [draw() for _ in range(3)] == expected


def test_unchanged_also_by_a_failure():
    state = random_state()
    expected = draw()
    set_random_state(state)
    try:
        with unchanged_randomness():
            draw()
            raise KeyError
    except KeyError:
        pass
    assert draw() == expected


def test_is_finite():
    assert is_finite([torch.ones(2), torch.tensor(3), torch.empty(0)])
    assert not is_finite([torch.ones(2), torch.tensor([1, torch.nan])])
    assert not is_finite([torch.tensor(-torch.inf)])
