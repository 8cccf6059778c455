"""The patches that GKGNet's labels and patches chose in one image, and what the choice did."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmpretrain.models import ImageClassifier
from torch import Tensor

from mlgcn.models.backbones import PyramidViG
from mlgcn.models.necks import LabelGraphNeck
from mlgcn.ops import gather_keys

from .class_maps import after_backbone


class ChosenPatches(NamedTuple):
    """What n labels chose among one stage's H x W patches, in each of G groups of channels.

    Attributes:
        index: (G, n, k) patches h * W + w, nearest first.
        share: (G, n, k), adding up to 1 over k: of the group's channels, how many take their
            maximum over the chosen patches from this one (the neck aggregates by the maximum).
        grid: (H, W).
    """

    index: Tensor
    share: Tensor
    grid: tuple[int, int]


class PatchNeighbours(NamedTuple):
    """What the patches of one backbone stage chose, in its last block.

    Attributes:
        index: (G, N, k) keys of every patch, nearest first. Keys are the means of
            reduction x reduction patches, numbered row by row, W // reduction in a row.
        grid: (H, W) of the N = H * W patches.
        reduction: patches along the side of a key.
    """

    index: Tensor
    grid: tuple[int, int]
    reduction: int


@torch.no_grad()
def chosen_patches(
    neck: LabelGraphNeck, maps: Sequence[Tensor], labels: Sequence[int]
) -> list[ChosenPatches]:
    """For every stage of the label branch, in its last block, the patches of one image."""
    *_, edges = neck(maps, return_edges=True)
    found = []
    for index, patches in zip(edges, maps):
        index = index[:, :, list(labels)]  # (1, G, n, k)
        groups, k = index.shape[1], index.shape[3]
        winner = gather_keys(patches, index)[0].argmax(dim=2)  # (C, n)
        share = F.one_hot(winner.unflatten(0, (groups, -1)), k).float().mean(dim=1)
        found.append(ChosenPatches(index[0], share, tuple(patches.shape[2:])))
    return found


@torch.no_grad()
def patch_effects(model: ImageClassifier, maps: Sequence[Tensor], labels: Sequence[int]) -> Tensor:
    """Edge ablation: changes of logits (n, S + 1) when labels lose their edges to the patches.

    Column s: in stage s of the S stages, in all groups; the last column: in all stages. A label
    without edges has only itself to compare with, so the max-relative feature max_j(y_j - x) of
    all its channels becomes x - x = 0 and the rest of the branch runs as ever. The pooled image,
    which GKGHead scores too, and the edges between patches are left alone. Labels do not hear
    each other in GKGNet, so one run for all of them gives what a run for each would.
    """
    before = after_backbone(model, maps)[0, list(labels)]
    stages = range(len(model.neck.stages))
    columns = []
    for cut in (*([s] for s in stages), list(stages)):
        with without_patches(model.neck, cut):
            columns.append(after_backbone(model, maps)[0, list(labels)] - before)
    return torch.stack(columns, dim=1)


@contextmanager
def without_patches(neck: LabelGraphNeck, stages: Sequence[int]) -> Iterator[None]:
    """Inside, labels receive nothing from the patches of these stages."""

    def cut(_, args: tuple[Tensor]) -> Tensor:
        mixed = args[0].clone()  # (B, 2 C, K): x_0, m_0, x_1, m_1, ...
        mixed[:, 1::2] = 0
        return mixed

    with ExitStack() as stack:
        for block in (block for s in stages for block in neck.stages[s].blocks):
            hook = block.grapher.graph_conv[0].register_forward_pre_hook(cut)
            stack.callback(hook.remove)
        yield


@contextmanager
def neighbours_kept(backbone: PyramidViG) -> Iterator[list[PatchNeighbours]]:
    """The list that it gives fills up, stage by stage, when the backbone runs on one image."""
    found: list[PatchNeighbours] = []

    def keep(grapher, args, output) -> None:
        found.append(PatchNeighbours(output[1][0], tuple(args[0].shape[2:]), grapher.reduction))

    with ExitStack() as stack:
        for stage in backbone.stages:
            hook = stage.blocks[-1].grapher.register_forward_hook(keep)
            stack.callback(hook.remove)
        yield found
