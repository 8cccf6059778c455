"""One HTML page that shows what a model did with photographs, and a PNG of every figure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mlgcn.apis import Decision, LoadedModel
from mlgcn.atomic_files import write_atomically
from mlgcn.registry import EXPLAINERS

from .drawing import picture, style
from .explanation import Part, explain
from .page import data_uri, encoded, write_page

OVERVIEW = (900, 480)  # pixels at most


def write_explanations(
    loaded: LoadedModel,
    images: Sequence[str | Path],
    out: str | Path,
    decision: Decision,
    labels: Sequence[str] = (),
    patch: tuple[int, int] | None = None,
) -> Path:
    """Write ``index.html``, which needs no other file, and beside it one folder per photograph.

    A folder holds every figure as PNG, and ``overview.jpg``: the first of the first three parts.

    Args:
        images: files.
        out: folder for all that; made where it is missing, files of earlier runs are replaced.
        decision: which labels are drawn.
        labels, patch: see :func:`mlgcn.visualization.explanation.explain`.

    Returns:
        The page's path.

    Raises:
        ValueError: a class name or pixel that does not exist, or a model without patches.
        OSError: a photograph that cannot be read (nothing is written then), or the folder.
    """
    packed = [loaded.pack(str(image)) for image in images]
    sections = []
    for number, (image, item) in enumerate(zip(images, packed), start=1):
        folder = Path(out, file_name(f'{number} {Path(image).stem}'))
        with style(loaded.classes):
            photo, chosen, parts = explain(loaded, item, decision, labels, patch)
            folder.mkdir(parents=True, exist_ok=True)
            parts = list(zip(parts, _write_figures(parts, folder)))
        shown = dict(size=photo.image.size, uri=data_uri(photo.image))
        sections.append(dict(path=image, id=f'seen{number}', labels=chosen, parts=parts, **shown))
    page = Path(out, 'index.html')
    model = dict(model=Path(loaded.checkpoint.path).name, head=type(loaded.model.head).__name__)
    # the pictures are of the photograph alone, which the page says where predictions average
    rule = dict(mirrored=decision.tta, first_step=decision.first_step)
    rule['decision'] = replace(decision, tta=False)
    shown = dict(sections=sections, classes=loaded.classes)
    write_page(page, 'explanation.html.j2', **shown, **model, **rule)
    return page


@EXPLAINERS.register_module()
def explanation_pictures(
    loaded: LoadedModel,
    packed: dict,
    decision: Decision,
    labels: Sequence[str] = (),
    patch: tuple[int, int] | None = None,
) -> dict[str, Image.Image]:
    """Every figure of :func:`mlgcn.visualization.explanation.explain` as a picture, by name."""
    with style(loaded.classes):
        *_, parts = explain(loaded, packed, decision, labels, patch)
        return {name: picture(figure) for part in parts for name, figure in part.figures.items()}


def file_name(text: str) -> str:
    return re.sub(r'[^\w.-]+', '_', text)[:100]


def _write_figures(parts: Sequence[Part], folder: Path) -> list[list[tuple[str, str]]]:
    """Write PNGs and overview.jpg; (text alternative, data URI) of every figure of every part."""
    shown, firsts, number = [], [], 0
    for part in parts:
        shown.append([])
        for name, figure in part.figures.items():
            number, image = number + 1, picture(figure)
            file = folder / f'{file_name(f"{number:02} {name}")}.png'
            write_atomically(file, encoded(image, 'PNG'))
            if not shown[-1]:
                firsts.append(ImageOps.contain(image, (2000, OVERVIEW[1])))
            shown[-1].append((figure.get_suptitle(), data_uri(image)))
    overview = Image.fromarray(np.hstack(firsts[:3]))
    overview.thumbnail(OVERVIEW)
    write_atomically(folder / 'overview.jpg', encoded(overview, 'JPEG', quality=90))
    return shown
