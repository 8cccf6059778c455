"""GKGNet's parts: the patches that labels chose, edge ablation, the neighbours of a patch."""

from collections.abc import Sequence

from numpy import ndarray

from .graph_pictures import heat_map
from .parts import Figure, Labels, Part, Table, before_after
from .patch_edges import ChosenPatches, PatchNeighbours
from .photo import Photo
from .photo_pictures import label_picture, neighbour_picture


def chosen_part(photo: Photo, chosen: Sequence[ChosenPatches], labels: Labels) -> Part:
    """The patches that `labels` chose in every stage."""
    figures = [
        Figure(
            f'patches_{name}_stage{s + 1}',
            label_picture(photo, stage, i, f'{title}: stage {s + 1} of {len(chosen)}'),
        )
        for i, (name, title) in enumerate(zip(labels.names, labels.titles()))
        for s, stage in enumerate(chosen)
    ]
    return Part(
        'Patches that the labels chose',
        'In every stage a label listens to its nearest patches, for each group of channels apart. '
        'The squares are the patches’ places on the photograph; what a patch knows comes from a '
        'wider region.',
        figures,
    )


def patch_ablation_part(effects: ndarray, labels: Labels) -> Part:
    """Changes of logits (n, S + 1) from :func:`.patch_edges.patch_effects`."""
    stages = [f'stage {s + 1}' for s in range(effects.shape[1] - 1)]
    rows = [
        (name, *before_after(logit, row[-1]), *(f'{change:+.3f}' for change in row[:-1]))
        for name, logit, row in zip(labels.names, labels.logits, effects)
    ]
    head = ('Label', 'Logit', 'without its patches', 'change', *(f'only {s}' for s in stages))
    reads = 'Change of the logit without the patches of'
    figure = heat_map(effects, labels.names, [*stages, 'all stages'], 'Edge ablation', reads, True)
    return Part(
        'Edge ablation',
        'The label loses the patches that it chose, in one stage or in all of them, and the model '
        'runs again from there: with nobody but itself to compare with, its max-relative feature '
        'is 0. The edges between patches, and the pooled image which the head scores as well, '
        'stay.',
        [Figure('ablation', figure)],
        Table(head, rows),
        wide=True,
    )


def neighbour_part(
    photo: Photo,
    neighbours: Sequence[PatchNeighbours],
    chosen: Sequence[ChosenPatches],
    labels: Labels,
    patch: tuple[int, int] | None,
) -> Part:
    """The neighbours of the pixel `patch`, else of every label's strongest patch, or the middle."""
    if patch is not None or not chosen:
        pixel = patch or (photo.image.width // 2, photo.image.height // 2)
        start = 'the given' if patch else 'the middle'
        pixels = {f'pixel {pixel[0]},{pixel[1]}': pixel}
    else:
        start = 'the label’s strongest'
        pixels = {n: strongest_patch(photo, chosen[-1], i) for i, n in enumerate(labels.names)}
    figures = [
        Figure(
            f'neighbours_{name}_stage{s + 1}',
            neighbour_picture(
                photo,
                stage,
                photo.patch_at(pixel, stage.grid),
                f'{name}: neighbours, stage {s + 1} of {len(neighbours)}',
            ),
        )
        for name, pixel in pixels.items()
        for s, stage in enumerate(neighbours)
    ]
    return Part(
        'Neighbours of a patch',
        f'What {start} patch (white square) listens to in the last block of every stage of the '
        'backbone. Where the stage reduces its keys, a neighbour is a mean of several patches.'
        + (
            ' The strongest patch is the one that decides most channels of the label in the last '
            'stage; in finer stages it is the patch in its middle.'
            if patch is None and chosen
            else ''
        ),
        figures,
    )


def strongest_patch(photo: Photo, chosen: ChosenPatches, label: int) -> tuple[int, int]:
    """Pixel (x, y) in the middle of the patch with the largest share of a group's channels."""
    best = chosen.share[:, label].flatten().argmax()
    patch = int(chosen.index[:, label].flatten()[best])
    return photo.middle(divmod(patch, chosen.grid[1]), chosen.grid)
