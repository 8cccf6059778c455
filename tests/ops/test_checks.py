"""Wrong types, shapes and indices: the same error from every form of an operator."""

import pytest
import torch

from mlgcn.ops import gather_keys, group_knn, group_knn_plain, max_relative, max_relative_plain
from mlgcn.ops.c_kernels import library
from mlgcn.ops.relative_pos import SeparableTable

X, Y = torch.randn(2, 12, 5, 4), torch.randn(2, 12, 3, 3)  # N = 20 nodes, M = 9 keys
INDEX = torch.randint(9, (2, 3, 20, 4), dtype=torch.int32)


@pytest.fixture(params=['compiled', 'pytorch'], autouse=True)
def form(request, monkeypatch):
    """Every test runs with the C kernels and without."""
    monkeypatch.setenv('MLGCN_COMPILE', '1' if request.param == 'compiled' else '0')
    library.cache_clear()
    yield
    library.cache_clear()


def index_with(value, dtype=torch.int32):
    index = INDEX.to(dtype).clone()
    index[1, 2, 7, 3] = value
    return index


def aggregated(x=X, y=Y, index=INDEX):
    """The three operators that take an index; gather_keys sees no nodes."""
    yield lambda: max_relative(x, y, index)
    yield lambda: max_relative(x, y.clone().requires_grad_(), index)
    yield lambda: max_relative_plain(x, y, index)
    if x is X:
        yield lambda: gather_keys(y, index)


@pytest.mark.parametrize('dtype', [torch.int32, torch.int64])
@pytest.mark.parametrize('value', [-1, 9, 10**6, -(2**31)])
def test_an_index_that_is_no_key(value, dtype):
    for call in aggregated(index=index_with(value, dtype)):
        with pytest.raises(IndexError, match=rf'(?s)values from .*{value}.*keys are 0 to 8'):
            call()


@pytest.mark.parametrize(
    ('index', 'error', 'facts'),
    [
        (INDEX.float(), TypeError, 'int32 or int64, got torch.float32'),
        (INDEX.to(torch.uint8), TypeError, 'got torch.uint8'),
        (INDEX[:1], ValueError, r'B = 2 .* got \(1, 3, 20, 4\)'),
        (INDEX[..., :0], ValueError, r'k > 0, got \(2, 3, 20, 0\)'),
        (INDEX[0], ValueError, r'got \(3, 20, 4\)'),
        (torch.zeros(2, 5, 20, 4).int(), ValueError, 'groups = 5 .* channels = 12'),
        (torch.zeros(2, 24, 20, 4).int(), ValueError, 'groups = 24 .* channels = 12'),
        (torch.zeros(2, 0, 20, 4).int(), ValueError, 'groups = 0 .* channels = 12'),
        (INDEX.to('meta'), ValueError, 'index on meta, but the features on cpu'),
    ],
)
def test_a_wrong_index_tensor(index, error, facts):
    for call in aggregated(index=index):
        with pytest.raises(error, match=facts):
            call()


@pytest.mark.parametrize('num_nodes', [0, 19, 21])
def test_an_index_of_other_nodes(num_nodes):
    index = torch.zeros(2, 3, num_nodes, 4).int()
    for function in (max_relative, max_relative_plain):
        with pytest.raises(ValueError, match=rf'\(2, 3, {num_nodes}, 4\) .* N = 20 nodes'):
            function(X, Y, index)


@pytest.mark.parametrize(
    ('x', 'y', 'error', 'facts'),
    [
        (X, Y[:1], ValueError, r'nodes \(2, 12, 5, 4\) and keys \(1, 12, 3, 3\)'),
        (X, Y[:, :9], ValueError, r'nodes \(2, 12, 5, 4\) and keys \(2, 9, 3, 3\)'),
        (X[:, :9], Y, ValueError, r'nodes \(2, 9, 5, 4\) and keys \(2, 12, 3, 3\)'),
        (X.long(), Y, TypeError, 'nodes must be floating-point, got torch.int64'),
        (X, Y.to(torch.complex64), TypeError, 'keys must be floating-point, got torch.complex64'),
        (X.double(), Y, TypeError, 'nodes are torch.float64, but keys torch.float32'),
        (X.half(), Y.double(), TypeError, 'nodes are torch.float16, but keys torch.float64'),
        (X[0, 0], Y, ValueError, r'nodes must be \(B, C, ...\) and not empty, got \(5, 4\)'),
        (X[:, :0], Y[:, :0], ValueError, r'not empty, got \(2, 0, 5, 4\)'),
        (X[..., :0], Y, ValueError, r'not empty, got \(2, 12, 5, 0\)'),
        (X, Y[..., :0], ValueError, r'not empty, got \(2, 12, 3, 0\)'),
        (X.to('meta'), Y, ValueError, 'keys on cpu, but the features on meta'),
    ],
)
def test_nodes_and_keys_that_do_not_fit(x, y, error, facts):
    for function in (max_relative, max_relative_plain):
        index = INDEX if len(y) == 2 else INDEX[:1]
        with pytest.raises(error, match=facts):
            function(x, y, index)
    for search in (group_knn, group_knn_plain):
        with pytest.raises(error, match=facts):
            search(x, y, 2, groups=3)


@pytest.mark.parametrize(
    ('arguments', 'facts'),
    [
        (dict(k=3, dilation=4), r'k \* dilation = 3 \* 4 = 12 .* only 9 keys'),
        (dict(k=10), r'10 \* 1 = 10 .* only 9 keys'),
        (dict(k=0), 'k = 0 and dilation = 1 must be at least 1'),
        (dict(k=2, dilation=-1), 'k = 2 and dilation = -1'),
        (dict(k=2, groups=5), 'groups = 5 does not divide channels = 12'),
        (dict(k=2, groups=0), 'groups = 0 does not divide channels = 12'),
        (dict(k=2, groups=-3), 'groups = -3 does not divide channels = 12'),
        (dict(k=2, groups=24), 'groups = 24 does not divide channels = 12'),
        (dict(k=2, relative_pos=torch.zeros(20, 8)), r'\(20, 9\), got \(20, 8\)'),
        (dict(k=2, relative_pos=torch.zeros(19, 9)), r'\(20, 9\), got \(19, 9\)'),
        (dict(k=2, relative_pos=torch.zeros(9)), r'\(20, 9\), got \(9,\)'),
        (dict(k=2, relative_pos=torch.zeros(20, 9, device='meta')), 'relative_pos on meta'),
        (
            dict(k=2, relative_pos=SeparableTable(torch.zeros(5, 10), torch.zeros(4, 10))),
            r'\(20, 9\), got \(20, 10\)',
        ),
        (
            dict(k=2, relative_pos=SeparableTable(torch.zeros(5, 9), torch.zeros(5, 9))),
            r'\(20, 9\), got \(25, 9\)',
        ),
    ],
)
def test_a_search_that_cannot_be(arguments, facts):
    for search in (group_knn, group_knn_plain):
        with pytest.raises(ValueError, match=facts):
            search(X, Y, **arguments)


def test_factors_of_a_table_that_do_not_fit():
    with pytest.raises(ValueError, match=r'got \(5, 9\) and \(4, 8\)'):
        SeparableTable(torch.zeros(5, 9), torch.zeros(4, 8))


@pytest.mark.parametrize('table', [torch.float16, torch.float64])
def test_tables_of_any_precision_and_layout_are_right(table):
    row, column = torch.randn(9, 5).T, torch.randn(4, 18)[:, ::2]
    factors = SeparableTable(row.to(table), column.to(table))
    expected = group_knn_plain(X.double(), Y.double(), 2, relative_pos=factors)
    assert torch.equal(group_knn(X, Y, 2, relative_pos=factors), expected)
    assert torch.equal(group_knn(X, Y, 2, relative_pos=factors[:20].T.contiguous().T), expected)
