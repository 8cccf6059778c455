"""The relative position table: by hand, and against the published one."""

import json
import math

import pytest
import torch
from paths import DATA

from mlgcn.ops.relative_pos import SeparableTable, relative_position, resize_rows, sincos

PUBLISHED = json.loads((DATA / 'relative_pos.json').read_text())


def test_sincos_by_hand():
    expected = [
        [0, 0, 1, 1],
        [math.sin(1), math.sin(0.01), math.cos(1), math.cos(0.01)],
    ]
    torch.testing.assert_close(sincos(2, 4), torch.tensor(expected, dtype=torch.float64))


def test_table_of_a_two_by_one_grid_by_hand():
    table = relative_position(4, (2, 1))
    # one frequency of 1 per axis: -2 / 4 * (cos(column difference) + cos(row difference))
    near, far = -1.0, -(1 + math.cos(1)) / 2
    torch.testing.assert_close(table[0:2], torch.tensor([[near, far], [far, near]]))


def test_resize_rows_is_bicubic():
    table = torch.tensor([[0.0], [1.0], [2.0], [3.0]], dtype=torch.float64)
    assert resize_rows(table, 4) is table
    # half-way between 1 and 2; weights -3/32, 19/32, 19/32, -3/32 (a = -0.75)
    torch.testing.assert_close(resize_rows(table, 1), torch.tensor([[1.5]], dtype=torch.float64))


@pytest.mark.parametrize('case', PUBLISHED, ids=lambda c: f'n{c["n"]}_r{c["r"]}')
def test_equals_the_published_table(case):
    side = math.isqrt(case['n'])
    table = relative_position(case['channels'], (side, side), case['r'], case['n'])
    values = table[0 : case['n']].flatten()
    expected = torch.tensor(case['value'])
    assert list(table.shape) == case['shape'][1:]
    if case['r'] == 1 and case['n'] == side**2:  # nothing is resized: the same bits
        assert torch.equal(values[case['index']], expected)
    torch.testing.assert_close(values[case['index']], expected, rtol=0, atol=2e-7)
    torch.testing.assert_close(values[:12], torch.tensor(case['first_row']), rtol=0, atol=2e-7)
    assert values.double().sum().item() == pytest.approx(case['sum'], rel=1e-7)


@pytest.mark.parametrize('size', [None, (49, 49), (60, 12)])
def test_equals_resizing_the_whole_table_twice(size):
    channels, side, num_nodes, reduction = 24, 8, 64, 2
    code = sincos(side, channels // 2)
    code = torch.cat([code.repeat(side, 1), code.repeat_interleave(side, 0)], dim=1)
    image = (2 * code @ code.T / channels).float()[None, None]
    for shape in [(num_nodes, num_nodes // reduction**2), size]:
        if shape:
            image = torch.nn.functional.interpolate(image, shape, mode='bicubic')
    table = relative_position(channels, (side, side), reduction, num_nodes, size)
    rows = slice(0, table.shape[0])
    torch.testing.assert_close(table[rows], -image[0, 0], rtol=0, atol=1e-6)


def test_separable_table_slices_like_a_tensor():
    generator = torch.Generator().manual_seed(0)
    row, column = (torch.randn(n, 5, generator=generator, dtype=torch.float64) for n in (3, 4))
    table = SeparableTable(row, column)
    whole = (row[:, None] + column).flatten(0, 1).float()
    assert table.shape == (12, 5)
    for part in (slice(0, 12), slice(0, 4), slice(3, 9), slice(10, 30)):
        assert torch.equal(table[part], whole[part])


def test_channels_must_be_a_multiple_of_four():
    with pytest.raises(ValueError, match='multiple of 4 channels, got 10'):
        relative_position(10, (4, 4))


def test_sums_of_half_precision_parts_are_rounded_once():
    row, column = torch.tensor([[1.0]]).half(), torch.tensor([[4e-4]]).half()
    total = row.double() + column.double()
    assert SeparableTable(row, column)[:1].item() == total.float().item() != 1
