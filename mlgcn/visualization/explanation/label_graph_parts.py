"""ADD-GCN's parts: attention of every label, the graph among them, edge ablation."""

from collections.abc import Sequence

from numpy import ndarray
from torch import Tensor

from mlgcn.models.heads import ADDGCNHead

from .graph_pictures import graph_picture, heat_map
from .label_edges import label_edges
from .parts import Figure, Labels, Part, Table, before_after
from .photo import Photo
from .photo_pictures import map_picture


def label_graph_parts(
    head: ADDGCNHead, photo: Photo, maps: Sequence[Tensor], labels: Labels
) -> list[Part]:
    """Attention, graph and edge ablation of `labels`, from the maps of one image."""
    edges = [t.float().cpu().numpy() for t in label_edges(head, maps, labels.index)]
    attention, dynamic, static, effects = edges
    places = f'attention, {attention.shape[2]} x {attention.shape[1]} places'
    names = labels.names
    pictures = [
        Figure(f'attention_{name}', map_picture(photo, values, title, places, signed=False))
        for name, title, values in zip(names, labels.titles(), attention)
    ]
    reads = 'Row: sender, column: receiver'
    graph = [
        Figure(
            'graph',
            graph_picture(dynamic, names, labels.probabilities, 'Dynamic graph of this image'),
        ),
        Figure('dynamic', heat_map(dynamic, names, names, 'Dynamic adjacency', reads, False)),
        Figure('static', heat_map(static, names, names, 'Static adjacency', reads, True)),
    ]
    return [
        Part(
            'Attention',
            'Where each label’s node gathers its features: the sigmoid of its activation map, '
            'between 0 and 1. Each map is coloured over its own range, which stands below it.',
            pictures,
        ),
        Part(
            'Graph',
            'The dynamic adjacency (between 0 and 1) is predicted for this image, the static one '
            '(any sign) is the same for every image. Only the labels shown here are drawn; all of '
            'them hear all the others. The diagonal is what a label keeps of itself.',
            graph,
            wide=True,
        ),
        _edge_ablation(effects, labels),
    ]


def _edge_ablation(effects: ndarray, labels: Labels) -> Part:
    names = labels.names
    rows = []
    for i, name in enumerate(names):
        others = [
            (abs(effects[i, j]), effects[i, j], names[j]) for j in range(len(names)) if j != i
        ]
        most = max(others, default=None)
        told = f'{most[1]:+.3f} on {most[2]}' if most and most[0] >= 0.0005 else 'below 0.0005'
        rows.append((name, *before_after(labels.logits[i], effects[i, i]), told))
    head = ('Label', 'Logit', 'without its edges', 'change', 'most effect on another label shown')
    reads = 'Row: label that loses its edges, column: change of this logit'
    return Part(
        'Edge ablation',
        'One label after the other loses its edges: its row and its column of the dynamic '
        'adjacency, but for the diagonal, are set to 0 and the head runs again. On the diagonal '
        'of the picture, and in the table, is what that does to the label’s own logit; off the '
        'diagonal what its missing messages do to the others. The static graph stays.',
        [Figure('ablation', heat_map(effects, names, names, 'Edge ablation', reads, True))],
        Table(head, rows),
        wide=True,
    )
