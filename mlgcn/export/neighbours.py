"""Which neighbours the graphers chose, and what the model answers if they are prescribed."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlgcn.models.layers.grapher import Grapher, graph_operators
from mlgcn.ops import pairwise_distances
from mlgcn.ops.knn import split_groups

DISTANCES = 2**22  # held at a time


@contextmanager
def record_edges(model: nn.Module) -> Iterator[list[Tensor]]:
    """A list that fills, during a forward, with the neighbours (B, G, N, k) of every grapher."""
    found: list[Tensor] = []
    with ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, Grapher):
                hook = module.register_forward_hook(lambda _, __, output: found.append(output[1]))
                hooks.callback(hook.remove)
        yield found


def rows_that_differ(one: Sequence[Tensor], other: Sequence[Tensor]) -> int:
    """Nodes (per group and grapher) whose sets of neighbours are not the same."""
    pairs = ((a.sort(dim=-1).values, b.sort(dim=-1).values) for a, b in zip(one, other))
    return sum(int((a != b).any(dim=-1).sum()) for a, b in pairs)


@torch.no_grad()
def replay(exact: nn.Module, x: Tensor, edges: Sequence[Tensor]) -> tuple[Tensor, float]:
    """A float64 model's logits (B, K) for normalised images x (B, 3, H, W), neighbours prescribed.

    Everything but the choice of neighbours is exact here, so what is left of a difference to
    another run of the model is rounding. The second value says how wrong the choice was: how much
    farther, in squared distance of normalised features, a prescribed neighbour is than the true one
    of its rank, at most; 0 when all are the nearest.
    """
    queue, excess = iter(edges), [0.0]

    def prescribed(x, y, k, dilation=1, groups=1, relative_pos=None):
        index = next(queue)
        excess.append(_excess(x, y, index, dilation, relative_pos))
        return index

    with graph_operators(exact, search=prescribed):
        logits = exact(x.double(), mode='tensor')
    return logits, max(excess)


def _excess(x: Tensor, y: Tensor, index: Tensor, dilation: int, offset: Tensor | None) -> float:
    batch, groups, nodes, k = index.shape
    x, y = (F.normalize(split_groups(t, groups), dim=2).mT for t in (x, y))
    most, step = 0.0, max(DISTANCES // (batch * groups * y.shape[2]), 1)
    for start in range(0, nodes, step):
        part = slice(start, start + step)
        distance = pairwise_distances(x[:, :, part], y)
        if offset is not None:
            distance = distance + offset[part]
        chosen = distance.gather(3, index[:, :, part].long())
        nearest = distance.topk(k * dilation, largest=False).values[..., ::dilation]
        most = max(most, float((chosen - nearest).abs().max()))
    return most
