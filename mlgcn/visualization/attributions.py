"""What a model computed for one photograph: class maps, label graph, chosen patches, ablations.

B = 1 throughout. An ablation removes edges and returns the changes of the logits of n labels.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from mmpretrain.models import ImageClassifier
from numpy import ndarray
from torch import Tensor

from mlgcn.models.backbones import PyramidViG
from mlgcn.models.heads import ADDGCNHead, CTranHead
from mlgcn.models.necks import LabelGraphNeck
from mlgcn.ops import gather_keys

MOST_CHANGED = 12  # labels whose changes are shown when another label is known


class ChosenPatches(NamedTuple):
    """The k patches that n labels, or each of the N = H * W patches, chose in one stage.

    G groups of channels choose for themselves. Where a stage reduces its keys, a patch chooses
    among means of r x r patches.
    """

    index: Tensor  # (G, n, k): row * (W / r) + column, nearest first
    grid: tuple[int, int]  # (H, W)
    reduction: int = 1  # r
    share: Tensor | None = None  # of labels, (G, n, k): channels whose maximum is this patch's


@torch.no_grad()
def run_model(
    model: ImageClassifier, packed: dict
) -> tuple[ndarray, Sequence[Tensor], list[ChosenPatches], ndarray]:
    """The picture that the model saw, its backbone's maps, neighbours of patches, logits (K,).

    Of the picture alone, not of its mirror image, also where the model averages both. Neighbours
    are those of a PyramidViG, by stage.

    Raises a ValueError where a logit is NaN or infinite.
    """
    neighbours = []

    def keep(grapher, args, output) -> None:
        grid = tuple(args[0].shape[2:])
        neighbours.append(ChosenPatches(output[1][0].cpu(), grid, grapher.reduction))

    x = model.data_preprocessor(pseudo_collate([packed]), False)['inputs']
    with ExitStack() as stack:
        for stage in model.backbone.stages if isinstance(model.backbone, PyramidViG) else ():
            stack.enter_context(stage.blocks[-1].grapher.register_forward_hook(keep))
        maps = model.backbone(x)
    logits = logits_from_maps(model, maps)[0].float().cpu().numpy()
    if not np.isfinite(logits).all():
        raise ValueError('the model gives NaN or infinite logits')
    return seen_picture(packed), maps, neighbours, logits


def seen_picture(packed: dict) -> ndarray:
    """What the test pipeline makes of an image: uint8 (H, W, 3), RGB."""
    return packed['inputs'].byte().flip(0).permute(1, 2, 0).numpy()  # files are read in BGR


def head_inputs(model: ImageClassifier, maps: Sequence[Tensor]) -> Sequence[Tensor]:
    """What the head gets: the backbone's maps, or what the neck makes of them."""
    return model.neck(maps) if model.with_neck else maps


def logits_from_maps(model: ImageClassifier, maps: Sequence[Tensor]) -> Tensor:
    """Logits (B, K) of the model's neck and head on the backbone's maps."""
    return model.head(head_inputs(model, maps))


def class_maps(
    model: ImageClassifier, maps: Sequence[Tensor], labels: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Gradient times feature, summed over channels: (n, H, W), and the rest of each logit (n,).

    HiResCAM (Draelos and Carin, arXiv 2011.08891). For a linear head on pooled features map and
    bias add up to the logit: after average pooling it is CAM (Zhou et al., CVPR 2016) divided by
    H * W. Else the first-order term. ValueError if the backbone's last output is not a map.
    """
    last = maps[-1]
    if not isinstance(last, Tensor) or last.dim() != 4:
        seen = tuple(last.shape) if isinstance(last, Tensor) else type(last).__name__
        name = type(model.backbone).__name__
        raise ValueError(f'{name}: its last output is {seen}, not a map (B, C, H, W) to explain')
    with torch.enable_grad():
        last = last.detach().requires_grad_()
        logits = logits_from_maps(model, (*maps[:-1], last))[0, list(labels)]
        gradients = [torch.autograd.grad(z, last, retain_graph=True)[0] for z in logits]
    found = torch.stack([(gradient * last).sum(dim=1)[0] for gradient in gradients]).detach()
    return found, logits.detach() - found.sum(dim=(1, 2))


@torch.no_grad()
def edge_effects(
    head: ADDGCNHead, maps: Sequence[Tensor], labels: Sequence[int]
) -> tuple[Tensor, Sequence[int]]:
    """Changes of logits (n, n) when label i, the row, loses its edges, and the columns: `labels`.

    Row and column i of the dynamic adjacency, except the diagonal, become 0. Off the diagonal the
    entry is the effect of the single edge i to j: nothing else that j receives has changed.
    """

    def cut(label: int, _, args: tuple[Tensor], scores: Tensor) -> Tensor:
        ablated = scores.clone()  # (1, K, K), before the sigmoid, which makes 0 of -inf
        ablated[:, label, :] = ablated[:, :, label] = -torch.inf
        ablated[:, label, label] = scores[:, label, label]
        return ablated

    before = head(maps)[0, list(labels)]
    rows = []
    for label in labels:
        with head.gcn.conv_create_co_mat.register_forward_hook(partial(cut, label)):
            rows.append(head(maps)[0, list(labels)] - before)
    return torch.stack(rows), labels


@torch.no_grad()
def known_effects(
    head: CTranHead, maps: Sequence[Tensor], labels: Sequence[int]
) -> tuple[Tensor, list[int]]:
    """Changes of logits (n, m) when label i, the row, is given as present, and the m columns.

    Columns are the n labels, and up to MOST_CHANGED in all those that change most. The diagonal is
    0: the logit of a label that is given means nothing.
    """
    labels, last = list(labels), maps[-1]
    unknown = torch.full((len(labels), head.num_classes), -1, device=last.device)
    given = unknown.clone()
    given[range(len(labels)), labels] = 1
    before, after = (
        head((last.expand(len(labels), *last.shape[1:]),), states) for states in (unknown, given)
    )
    changes = torch.where(given == 1, 0, after - before)
    strongest = changes.abs().amax(dim=0).argsort(descending=True).tolist()
    others = [k for k in strongest if k not in labels]
    columns = labels + others[: max(MOST_CHANGED - len(labels), 0)]
    return changes[:, columns], columns


@torch.no_grad()
def chosen_patches(
    neck: LabelGraphNeck, maps: Sequence[Tensor], labels: Sequence[int]
) -> list[ChosenPatches]:
    """The patches of every stage of the label branch, in its last block."""
    *_, edges = neck(maps, return_edges=True)
    found = []
    for index, patches in zip(edges, maps):
        index = index[:, :, list(labels)]  # (1, G, n, k)
        groups, k = index.shape[1], index.shape[3]
        winner = gather_keys(patches, index)[0].argmax(dim=2)  # (C, n): the neck takes the maximum
        share = F.one_hot(winner.unflatten(0, (groups, -1)), k).float().mean(dim=1).cpu()
        found.append(ChosenPatches(index[0].cpu(), tuple(patches.shape[2:]), share=share))
    return found


@torch.no_grad()
def patch_effects(model: ImageClassifier, maps: Sequence[Tensor], labels: Sequence[int]) -> Tensor:
    """Changes of logits (n, S + 1) when labels lose their patches in each stage, then in all.

    Without patches the max-relative feature max_j(y_j - x) of a label is x - x = 0. One pass
    ablates every label: in GKGNet labels do not exchange messages.
    """

    def cut(_, args: tuple[Tensor]) -> Tensor:
        mixed = args[0].clone()  # (1, 2 C, K): x_0, m_0, x_1, m_1, ...
        mixed[:, 1::2] = 0
        return mixed

    before = logits_from_maps(model, maps)[0, list(labels)]
    stages, columns = model.neck.stages, []
    for ablated in (*([stage] for stage in stages), stages):
        with ExitStack() as stack:
            for block in (block for stage in ablated for block in stage.blocks):
                stack.enter_context(block.grapher.graph_conv[0].register_forward_pre_hook(cut))
            columns.append(logits_from_maps(model, maps)[0, list(labels)] - before)
    return torch.stack(columns, dim=1)
