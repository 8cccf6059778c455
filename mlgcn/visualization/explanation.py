"""What a model did with one photograph: figures and tables, chosen by the kind of the model."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from mmpretrain.models import ImageClassifier
from mmpretrain.models.heads import MultiLabelLinearClsHead
from numpy import ndarray
from torch import Tensor, nn

from mlgcn.apis import MultiLabelInferencer
from mlgcn.models.backbones import PyramidViG
from mlgcn.models.heads import ADDGCNHead, CTranHead, LinearHead
from mlgcn.models.necks import LabelGraphNeck

from . import attributions as numbers
from .attributions import ChosenPatches, PatchNeighbours
from .drawing import Drawing
from .label_figures import graph_figure, matrix_figure
from .photo_figures import Photo, map_figure, neighbours_figure, patches_figure

MOST_LABELS = 40  # drawn of those that reach their thresholds


class Labels(NamedTuple):
    """The n labels that are drawn, the most probable first; `present`: the threshold is reached."""

    index: ndarray
    names: Sequence[str]
    logits: ndarray
    probabilities: ndarray
    thresholds: ndarray
    present: ndarray

    def titles(self) -> list[str]:
        return [f'{name}, {p:.1%}' for name, p in zip(self.names, self.probabilities)]

    def rows(self) -> list[tuple[str, str, str]]:
        marks = ['' if reached else ' (not reached)' for reached in self.present]
        values = zip(self.names, self.probabilities, self.thresholds, marks)
        return [(name, f'{p:.1%}', f'{limit:.1%}{mark}') for name, p, limit, mark in values]


class Part(NamedTuple):
    """Drawings by file stem, and a table; `kind` is the key of its text in explanation.html.j2."""

    kind: str
    drawings: Mapping[str, Drawing]
    rows: Sequence[Sequence[str]] = ()


class Explanation(NamedTuple):
    photo: Photo
    labels: Labels
    note: str  # how they were chosen
    parts: Sequence[Part]


def explain(
    inferencer: MultiLabelInferencer,
    packed: dict,
    name: str,
    labels: Sequence[str] = (),
    patch: tuple[int, int] | None = None,
) -> Explanation:
    """The figures and tables that fit the model: label graph, patches, class maps.

    Args:
        inferencer: its threshold or top-k decides which labels are drawn, at most 40; where none
            is present, the three most probable.
        packed: one image from the test pipeline.
        name: id of the photograph on its page.
        labels: names of the classes to draw instead.
        patch: pixel (x, y) of the model's input, whose patch's neighbours are drawn; by default
            each label's strongest patch of the last stage.

    Raises:
        ValueError: no such class; a pixel outside of the picture; a backbone without patch graph;
            NaN or infinite logits.
    """
    model = inferencer.model.model
    asked = [inferencer.class_of(name) for name in labels]
    pixels, maps, neighbours, logits = numbers.run_model(model, packed)
    photo = Photo(pixels, name)
    if patch is not None:
        _check_patch(patch, photo, model.backbone)
    chosen, note = _choose(inferencer, logits, asked)
    parts, stages = [], []
    if isinstance(model.head, ADDGCNHead):
        parts += _label_graph(model.head, photo, maps, chosen)
    if model.with_neck and isinstance(model.neck, LabelGraphNeck):
        stages = numbers.chosen_patches(model.neck, maps, chosen.index)
        parts.append(_chosen_patches(photo, stages, chosen))
    if neighbours:
        parts.append(_neighbours(photo, neighbours, stages, chosen, patch))
    if stages:
        effects = numbers.patch_effects(model, maps, chosen.index)
        columns = [*(f'stage {s + 1}' for s in range(len(stages))), 'all stages']
        title = 'Edge ablation\nChange of the logit without the patches of'
        parts.append(_ablation('patch_ablation', effects, columns, effects[:, -1], chosen, title))
    if not isinstance(model.head, ADDGCNHead):
        parts += _own_view(model.head, photo, maps, chosen)
    if not any(part.kind.endswith('attention') for part in parts):  # else that is drawn instead
        parts.append(_class_maps(model, photo, maps, chosen))
    return Explanation(photo, chosen, note, parts)


def _check_patch(patch: tuple[int, int], photo: Photo, backbone: nn.Module) -> None:
    (x, y), (width, height) = patch, photo.image.size
    fault = ''
    if not (0 <= x < width and 0 <= y < height):
        fault = f"outside of the model's input, {width} x {height} pixels"
    if not isinstance(backbone, PyramidViG):
        fault = f'the backbone {type(backbone).__name__} has no graph of patches'
    if fault:
        raise ValueError(f'patch {x},{y}: {fault}')


def _choose(
    inferencer: MultiLabelInferencer, logits: ndarray, asked: Sequence[int]
) -> tuple[Labels, str]:
    """The labels to draw, and how they were chosen."""
    calibration = inferencer.calibration
    probabilities = calibration.probabilities(logits)
    present = calibration.present(probabilities)
    order = np.argsort(-logits, kind='stable')
    index, note = order[: inferencer.top_k], 'the most probable'
    if asked:
        index, note = order[np.isin(order, asked)], 'the labels that were asked for'
    elif inferencer.by_threshold:
        found = index[present[index]]
        index, note = found[:MOST_LABELS], 'the labels that the model predicts'
        if len(found) > MOST_LABELS:
            note = f'the {MOST_LABELS} most probable of {len(found)} predicted labels'
        if not len(found):
            index, note = order[:3], 'the three most probable; no label is predicted'
    names = [inferencer.classes[k] for k in index]
    columns = (a[index] for a in (logits, probabilities, calibration.thresholds, present))
    return Labels(index, names, *columns), f'Drawn: {note}.'


def _label_graph(
    head: ADDGCNHead, photo: Photo, maps: Sequence[Tensor], labels: Labels
) -> list[Part]:
    """ADD-GCN: attention of every label, the graph among them, edge ablation."""
    found = numbers.label_graph(head, maps, labels.index)
    attention, dynamic, static = (t.float().cpu().numpy() for t in found)
    names, reads = labels.names, 'Row: sender, column: receiver'
    pictures = _attention(photo, labels, attention)
    title = 'Dynamic graph of this image'
    graphs = {
        'graph': graph_figure(dynamic, names, labels.probabilities, title),
        'dynamic': matrix_figure(dynamic, names, names, f'Dynamic adjacency\n{reads}', False),
        'static': matrix_figure(static, names, names, f'Static adjacency\n{reads}', True),
    }
    effects = numbers.edge_effects(head, maps, labels.index)
    title = 'Edge ablation\nRow: label that loses its edges, column: change of this logit'
    ablation = _ablation('edge_ablation', effects, names, effects.diagonal(), labels, title)
    return [Part('attention', pictures), Part('graph', graphs), ablation]


def _attention(photo: Photo, labels: Labels, values: ndarray) -> dict[str, Drawing]:
    """A map of attention (n, H, W) for every label."""
    subtitle = f'attention, {values.shape[2]} x {values.shape[1]} positions'
    return {
        f'attention_{name}': map_figure(photo, one, title, subtitle, signed=False)
        for name, title, one in zip(labels.names, labels.titles(), values)
    }


def _own_view(head: nn.Module, photo: Photo, maps: Sequence[Tensor], labels: Labels) -> list[Part]:
    """The peers' heads: attention, ML-GCN's graph, what a known label changes in C-Tran."""
    found = head.explain(maps) if hasattr(head, 'explain') else {}
    parts, names, index = [], labels.names, list(labels.index)
    if 'attention' in found:
        attention = found['attention'][0, index].float().cpu().numpy()
        parts.append(Part('label_attention', _attention(photo, labels, attention)))
    if isinstance(head, CTranHead):
        effects = numbers.known_effects(head, maps, index).float().cpu().numpy()
        title = 'Known labels\nRow: label given as present, column: change of this logit'
        parts.append(Part('known', {'known': matrix_figure(effects, names, names, title, True)}))
    elif 'adjacency' in found:
        graph = found['adjacency'][0][index][:, index].float().cpu().numpy()
        title = 'Graph of the training labels\nRow: sender, column: receiver'
        circle = graph_figure(graph, names, labels.probabilities, title.splitlines()[0])
        matrix = matrix_figure(graph, names, names, title, False)
        parts.append(Part('label_graph', {'graph': circle, 'weights': matrix}))
    return parts


def _ablation(
    kind: str, effects: Tensor, columns: Sequence[str], own: Tensor, labels: Labels, title: str
) -> Part:
    """A matrix of changes of logits, and a table of each label's `own` change (n,)."""
    values = effects.float().cpu().numpy()
    rows = [
        (name, f'{logit:.3f}', f'{logit + change:.3f}', f'{change:+.3f}')
        for name, logit, change in zip(labels.names, labels.logits, own.tolist())
    ]
    drawings = {'ablation': matrix_figure(values, labels.names, columns, title, True)}
    return Part(kind, drawings, rows)


def _chosen_patches(photo: Photo, chosen: Sequence[ChosenPatches], labels: Labels) -> Part:
    drawings = {}
    for i, (name, probability) in enumerate(zip(labels.names, labels.titles())):
        for s, stage in enumerate(chosen, start=1):
            title = f'Stage {s} of {len(chosen)}: {probability}'
            drawings[f'patches_{name}_stage{s}'] = patches_figure(photo, stage, i, title)
    return Part('chosen_patches', drawings)


def _neighbours(
    photo: Photo,
    neighbours: Sequence[PatchNeighbours],
    chosen: Sequence[ChosenPatches],
    labels: Labels,
    patch: tuple[int, int] | None,
) -> Part:
    """The neighbours of the pixel `patch`, else of every label's strongest patch, or the middle."""
    x, y = patch or (photo.image.width // 2, photo.image.height // 2)
    pixels = {f'pixel {x},{y}': (x, y)}
    if chosen and patch is None:
        pixels = {n: strongest_patch(photo, chosen[-1], i) for i, n in enumerate(labels.names)}
    drawings = {}
    for name, pixel in pixels.items():
        for s, stage in enumerate(neighbours, start=1):
            title = f'Stage {s} of {len(neighbours)}: {name}'
            figure = neighbours_figure(photo, stage, photo.patch_at(pixel, stage.grid), title)
            drawings[f'neighbours_{name}_stage{s}'] = figure
    return Part('neighbours', drawings)


def strongest_patch(photo: Photo, chosen: ChosenPatches, label: int) -> tuple[int, int]:
    """Pixel (x, y) in the middle of the patch with the largest share of a group's channels."""
    best = chosen.share[:, label].flatten().argmax()
    patch = int(chosen.index[:, label].flatten()[best])
    left, top, right, bottom = photo.patch_box(*divmod(patch, chosen.grid[1]), chosen.grid)
    return int((left + right) / 2), int((top + bottom) / 2)


def _class_maps(
    model: ImageClassifier, photo: Photo, maps: Sequence[Tensor], labels: Labels
) -> Part:
    found = numbers.class_maps(model, maps, labels.index)
    values, rest = (t.float().cpu().numpy() for t in found)
    drawings = {}
    for i, (name, title) in enumerate(zip(labels.names, labels.titles())):
        sums = f'{values[i].sum():+.2f} on the map, {rest[i]:+.2f} beside it'
        subtitle = f'logit {labels.logits[i]:.2f}: {sums}'
        drawings[f'cam_{name}'] = map_figure(photo, values[i], title, subtitle, signed=True)
    linear = isinstance(model.head, (LinearHead, MultiLabelLinearClsHead))
    return Part('class_maps' if linear else 'class_maps_first_order', drawings)
