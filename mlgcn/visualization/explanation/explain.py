"""What a model did with one photograph: pictures and tables, chosen by the kind of the model."""

import difflib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmpretrain.models import ImageClassifier
from numpy import ndarray
from torch import Tensor, nn

from mlgcn.apis import MultiLabelInferencer
from mlgcn.models.backbones import PyramidViG
from mlgcn.models.heads import ADDGCNHead
from mlgcn.models.necks import LabelGraphNeck

from .class_map_part import class_map_part
from .class_maps import after_backbone
from .label_graph_parts import label_graph_parts
from .parts import Labels, Part
from .patch_edges import PatchNeighbours, chosen_patches, neighbours_kept, patch_effects
from .patch_parts import chosen_part, neighbour_part, patch_ablation_part
from .photo import Photo, seen_image

MOST_LABELS = 40  # drawn of those that reach their thresholds


class Explanation(NamedTuple):
    """What a model did with one photograph.

    Attributes:
        photo: what it saw.
        note: how the labels were chosen, in words.
    """

    photo: Photo
    labels: Labels
    note: str
    parts: Sequence[Part]


def explain(
    inferencer: MultiLabelInferencer,
    packed: dict,
    name: str,
    labels: Sequence[str] = (),
    patch: tuple[int, int] | None = None,
) -> Explanation:
    """The pictures and tables that fit the model: label graph, patches, class maps.

    Args:
        inferencer: the model, with the threshold or top-k that says which labels are drawn.
        packed: one image from the test pipeline.
        name: id of the photograph on its page.
        labels: names of the classes to draw instead; where there are none, and no label is
            present either, the three most probable are drawn (of more than 40 present, 40).
        patch: pixel (x, y) of the picture that the model saw, whose patch's neighbours are drawn;
            each label's strongest patch of the last stage if None.

    Raises:
        ValueError: no such class; a pixel outside of the picture; a backbone without patch graph.
    """
    model = inferencer.model.model
    chosen_names = [_class_of(name, inferencer.classes) for name in dict.fromkeys(labels)]
    pixels, maps, neighbours, logits = run_model(model, packed)
    photo = Photo(pixels, name)
    if patch is not None:
        _check_patch(patch, photo, model.backbone)
    chosen, note = _choose(inferencer, logits, chosen_names)
    parts, stages = [], []
    if isinstance(model.head, ADDGCNHead):
        parts += label_graph_parts(model.head, photo, maps, chosen)
    if model.with_neck and isinstance(model.neck, LabelGraphNeck):
        stages = chosen_patches(model.neck, maps, chosen.index)
        parts.append(chosen_part(photo, stages, chosen))
    if neighbours:
        parts.append(neighbour_part(photo, neighbours, stages, chosen, patch))
    if stages:
        effects = patch_effects(model, maps, chosen.index).cpu().numpy()
        parts.append(patch_ablation_part(effects, chosen))
    if not isinstance(model.head, ADDGCNHead):
        parts.append(class_map_part(model, photo, maps, chosen))
    return Explanation(photo, chosen, note, parts)


@torch.no_grad()
def run_model(
    model: ImageClassifier, packed: dict
) -> tuple[ndarray, Sequence[Tensor], list[PatchNeighbours], ndarray]:
    """One packed image through the model.

    Returns:
        The picture that the model saw, uint8 (H, W, 3); the backbone's maps; every stage's edges
        between patches (of a PyramidViG, else none); the logits (K,).

    Raises:
        ValueError: a logit is NaN or infinite.
    """
    x = model.data_preprocessor(pseudo_collate([packed]), False)['inputs']
    neighbours: list[PatchNeighbours] = []
    if isinstance(model.backbone, PyramidViG):
        with neighbours_kept(model.backbone) as neighbours:
            maps = model.backbone(x)
    else:
        maps = model.backbone(x)
    logits = after_backbone(model, maps)[0].float().cpu().numpy()
    if not np.isfinite(logits).all():
        raise ValueError('the model gives NaN or infinite logits')
    return seen_image(model.data_preprocessor, x), maps, neighbours, logits


def _class_of(name: str, classes: Sequence[str]) -> int:
    if name in classes:
        return list(classes).index(name)
    near = difflib.get_close_matches(name, classes, n=1)
    hint = f'did you mean {near[0]!r}?' if near else f'it has {", ".join(classes[:5])}, ...'
    raise ValueError(f'the model has no class {name!r} among its {len(classes)}; {hint}')


def _check_patch(patch: tuple[int, int], photo: Photo, backbone: nn.Module) -> None:
    width, height = photo.image.size
    if not isinstance(backbone, PyramidViG):
        raise ValueError(
            f'patch {patch[0]},{patch[1]}: the backbone {type(backbone).__name__} has no graph of '
            'patches (PyramidViG has)'
        )
    if not (0 <= patch[0] < width and 0 <= patch[1] < height):
        raise ValueError(
            f'patch {patch[0]},{patch[1]} lies outside of the picture that the model saw: x goes '
            f'from 0 to {width - 1}, y from 0 to {height - 1}'
        )


def _choose(
    inferencer: MultiLabelInferencer, logits: ndarray, asked: Sequence[int]
) -> tuple[Labels, str]:
    """The labels to draw, and how they were chosen."""
    calibration = inferencer.calibration
    probabilities = calibration.probabilities(logits)
    present = calibration.present(probabilities)
    order = np.argsort(-logits, kind='stable')
    if asked:
        index, note = order[np.isin(order, asked)], 'Drawn: the labels that were asked for.'
    else:
        index = order[: inferencer.top_k]
        index = index[present[index]] if inferencer.by_threshold else index
        note = 'Drawn: the labels that the model predicts.'
        if inferencer.by_threshold and len(index) > MOST_LABELS:
            note = f'Drawn: the {MOST_LABELS} most probable of {len(index)} predicted labels.'
            index = index[:MOST_LABELS]
        if not inferencer.by_threshold:
            count = f'{len(index)} ' if len(index) > 1 else ''
            note = f'Drawn: the {count}most probable.'
        if not len(index):
            index = order[:3]
            note = 'No label is predicted; drawn: the three most probable.'
    names = [inferencer.classes[k] for k in index]
    rows = (a[index] for a in (logits, probabilities, calibration.thresholds, present))
    return Labels(index, names, *rows), note
