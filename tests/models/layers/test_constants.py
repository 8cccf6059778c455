"""Constants are computed again exactly when their parameters change."""

import copy
import pickle

import pytest
import torch
from torch import nn

from mlgcn.models.layers.constants import Constant


@pytest.fixture
def counted():
    """A constant of one parameter, and the number of its computations."""
    weight, calls, constant = nn.Parameter(torch.ones(2)), [], Constant()

    def value():
        return constant(lambda: calls.append(1) or 2 * weight, [weight])

    return weight, calls, constant, value


def test_computed_once_until_the_parameter_changes(counted):
    weight, calls, constant, value = counted
    with torch.no_grad():
        value(), value()
        assert len(calls) == 1
        weight.add_(1)
        assert value().tolist() == [4, 4] and len(calls) == 2
        constant.clear()
        value()
        assert len(calls) == 3


def test_gradients_are_never_cut(counted):
    weight, calls, _, value = counted
    with torch.no_grad():
        value()
    value().sum().backward()
    assert weight.grad.tolist() == [2, 2] and len(calls) == 2


def test_inference_mode_and_autocast_are_kept_apart(counted):
    weight, calls, _, value = counted
    with torch.inference_mode():
        value()
    weight.requires_grad_(False)
    x = torch.ones(2, requires_grad=True)
    (value() * x).sum().backward()  # an inference tensor could not be saved for it
    assert x.grad.tolist() == [2, 2]
    with torch.autocast('cpu', torch.bfloat16):
        value()
    assert len(calls) == 3


def test_copies_start_empty(counted):
    _, calls, constant, value = counted
    with torch.no_grad():
        value()
    for copied in (copy.deepcopy(constant), pickle.loads(pickle.dumps(constant))):  # noqa: S301
        assert copied._value is None
