"""What a model did with one photograph: figures and tables, chosen by the kind of the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from mmpretrain.models import ImageClassifier
from numpy import ndarray
from torch import Tensor, nn

from mlgcn.apis import Decision, LoadedModel
from mlgcn.models.heads import ADDGCNHead, CTranHead, MLGCNHead
from mlgcn.models.necks import LabelGraphNeck

from . import attributions as numbers
from .attributions import ChosenPatches
from .label_figures import graph_figure, matrix_figure
from .photo_figures import Photo, map_figure, patches_figure

MOST_LABELS = 40  # drawn of those that reach their thresholds
GRAPHS = {ADDGCNHead: 'dynamic graph', MLGCNHead: 'label graph'}
EFFECTS = {
    ADDGCNHead: ('edge ablation', numbers.edge_effects, 'label that loses its edges'),
    CTranHead: ('known labels', numbers.known_effects, 'label given as present'),
}
ORDER = 'Row: sender, column: receiver'


class Labels(NamedTuple):
    """The n labels that are drawn, the most probable first, and how they were chosen."""

    note: str
    index: ndarray
    names: Sequence[str]
    logits: ndarray
    probabilities: ndarray
    thresholds: ndarray

    def titles(self) -> dict[str, str]:
        return {name: f'{name}, {p:.1%}' for name, p in zip(self.names, self.probabilities)}

    def rows(self) -> list[tuple[str, str, str]]:
        values = zip(self.names, self.probabilities, self.thresholds)
        return [
            (name, f'{p:.1%}', f'{limit:.1%}' + ' (not reached)' * bool(p < limit))
            for name, p, limit in values
        ]


class Part(NamedTuple):
    """Figures by name, and a table; `kind` is the key of its text in explanation.html.j2."""

    kind: str
    figures: Mapping[str, Figure]
    rows: Sequence[Sequence[str]] = ()


def explain(
    loaded: LoadedModel,
    packed: dict,
    decision: Decision,
    labels: Sequence[str] = (),
    patch: tuple[int, int] | None = None,
) -> tuple[Photo, Labels, list[Part]]:
    """The figures and tables that fit the model, of one image from the test pipeline.

    `decision` says which labels are drawn, at most 40; where none is
    present, the three most probable; or `labels`. `patch` is the pixel (x, y) of the model's input,
    whose patch's neighbours are drawn; by default each label's strongest patch of the last stage.

    Raises:
        ValueError: no such class; a pixel outside of the picture; a backbone without patch graph;
            NaN or infinite logits.
    """
    model = loaded.model
    asked = [loaded.class_of(name) for name in labels]
    pixels, maps, neighbours, logits = numbers.run_model(model, packed)
    view = View(model, Photo(pixels), maps, choose_labels(decision, logits, asked))
    parts, stages = view.label_parts(decision.classes), []
    if model.with_neck and isinstance(model.neck, LabelGraphNeck):
        stages = numbers.chosen_patches(model.neck, maps, view.labels.index)
        nodes = {name: i for i, name in enumerate(view.labels.names)}
        parts.append(view.patches('chosen patches', stages, nodes))
    if patch is not None:
        _check_patch(patch, view.photo, neighbours)
    if neighbours:
        x, y = patch or (side // 2 for side in view.photo.image.size)
        pixels = {f'pixel {x},{y}': (x, y)}
        if stages and patch is None:
            pixels = view.strongest_patches(stages[-1])
        parts.append(view.patches('neighbours', neighbours, pixels))
    if stages:
        effects = numbers.patch_effects(model, maps, view.labels.index)
        columns = [*(f'stage {s + 1}' for s in range(len(stages))), 'all stages']
        title = 'Edge ablation\nChange of the logit without the patches of'
        parts.append(view.effects('patch ablation', effects, columns, title, effects[:, -1]))
    if not any(part.kind == 'attention' for part in parts):  # else that is drawn instead
        parts.append(view.class_maps())
    return view.photo, view.labels, parts


def choose_labels(decision: Decision, logits: ndarray, asked: Sequence[int] = ()) -> Labels:
    """The labels to draw: those asked for, else what `decision` chooses."""
    calibration = decision.calibration
    probabilities = calibration.probabilities(logits)
    order = np.argsort(-logits, kind='stable')
    index, note = order[: decision.top_k], 'the most probable'
    if asked:
        index, note = order[np.isin(order, asked)], 'the labels that were asked for'
    elif decision.by_threshold:
        found = index[calibration.present(probabilities)[index]]
        index, note = found[:MOST_LABELS], f'{len(found)} labels that the model predicts'
        if len(found) > MOST_LABELS:
            note = f'the {MOST_LABELS} most probable of {note}'
        if not len(found):
            index, note = order[:3], 'the three most probable; no label is predicted'
    names = [decision.classes[k] for k in index]
    columns = (values[index] for values in (logits, probabilities, calibration.thresholds))
    return Labels(f'Drawn: {note}.', index, names, *columns)


def _check_patch(patch: tuple[int, int], photo: Photo, neighbours: Sequence) -> None:
    (x, y), (width, height) = patch, photo.image.size
    if not neighbours:
        raise ValueError(f'patch {x},{y}: the backbone has no graph of patches')
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"patch {x},{y}: outside of the model's input, {width} x {height} pixels")


@dataclass
class View:
    """What the figures are made of: the backbone's maps, and the labels to draw."""

    model: ImageClassifier
    photo: Photo
    maps: Sequence[Tensor]
    labels: Labels

    def label_parts(self, classes: Sequence[str]) -> list[Part]:
        """Where labels look, the graph among them, what they change in each other's logits."""
        head, labels, parts = self.model.head, self.labels, []
        seen = numbers.head_inputs(self.model, self.maps)
        found = head.explain(seen) if hasattr(head, 'explain') else {}
        found = {key: _numpy(values[0]) for key, values in found.items()}
        names, among = labels.names, np.ix_(labels.index, labels.index)
        if 'attention' in found:
            values = found['attention'][labels.index]
            subtitle = f'attention, {values.shape[2]} x {values.shape[1]} positions'
            figures = {
                f'attention {name}': map_figure(self.photo, one, title, subtitle, signed=False)
                for (name, title), one in zip(labels.titles().items(), values)
            }
            parts.append(Part('attention', figures))
        if kind := _of_class(head, GRAPHS):
            title, weights = kind.capitalize(), found['adjacency'][among]
            figures = {
                kind: graph_figure(weights, names, labels.probabilities, title),
                f'{kind} weights': matrix_figure(weights, names, names, f'{title}\n{ORDER}', False),
            }
            if 'static' in found:
                weights, title = found['static'][among], f'Static graph\n{ORDER}'
                figures['static graph weights'] = matrix_figure(weights, names, names, title, True)
            parts.append(Part(kind, figures))
        if view := _of_class(head, EFFECTS):
            kind, function, row = view
            effects, index = function(head, seen, labels.index)
            columns = [classes[k] for k in index]
            title = f'{kind.capitalize()}\nRow: {row}, column: change of this logit'
            parts.append(self.effects(kind, effects, columns, title, effects.diagonal()))
        return parts

    def effects(
        self, kind: str, effects: Tensor, columns: Sequence[str], title: str, own: Tensor
    ) -> Part:
        """A matrix of changes of logits, and a table of each label's `own` change (n,), if any."""
        names, logits = self.labels.names, self.labels.logits
        changes = zip(names, logits, own.tolist()) if own.any() else ()
        rows = [(name, f'{z:.3f}', f'{z + dz:.3f}', f'{dz:+.3f}') for name, z, dz in changes]
        return Part(kind, {kind: matrix_figure(_numpy(effects), names, columns, title, True)}, rows)

    def strongest_patches(self, chosen: ChosenPatches) -> dict[str, tuple[float, float]]:
        """The middle of each label's patch with the largest share of a group's channels."""
        pixels = {}
        for i, name in enumerate(self.labels.names):
            best = chosen.share[:, i].flatten().argmax()
            place = divmod(int(chosen.index[:, i].flatten()[best]), chosen.grid[1])
            pixels[name] = tuple(self.photo.patch(*place, chosen.grid).get_center())
        return pixels

    def patches(self, kind: str, stages: Sequence[ChosenPatches], nodes: Mapping) -> Part:
        """What `nodes` chose in every stage: labels by number, or the patches at pixels (x, y)."""
        figures = {}
        for name, node in nodes.items():
            for s, stage in enumerate(stages, start=1):
                place = self.photo.patch_at(node, stage.grid) if isinstance(node, tuple) else node
                title = f'Stage {s} of {len(stages)}: {name}'
                figures[f'{kind} {name} stage {s}'] = patches_figure(
                    self.photo, stage, place, title
                )
        return Part(kind, figures)

    def class_maps(self) -> Part:
        values, rest = map(_numpy, numbers.class_maps(self.model, self.maps, self.labels.index))
        figures = {}
        for i, (name, title) in enumerate(self.labels.titles().items()):
            sums = f'{values[i].sum():+.2f} on the map, {rest[i]:+.2f} beside it'
            subtitle = f'logit {self.labels.logits[i]:.2f}: {sums}'
            figures[f'class map {name}'] = map_figure(self.photo, values[i], title, subtitle, True)
        return Part('class maps', figures)


def _numpy(values: Tensor) -> ndarray:
    return values.detach().float().cpu().numpy()


def _of_class(head: nn.Module, table: Mapping) -> Any:
    """The entry of the head's class, or of one that it extends."""
    return next((table[cls] for cls in type(head).__mro__ if cls in table), None)
