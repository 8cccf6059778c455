"""One HTML page that shows what a model did with photographs, and a PNG of every figure."""

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup
from PIL import Image

from mlgcn.apis import MultiLabelInferencer
from mlgcn.atomic_files import write_atomically
from mlgcn.datasets.image_io import decode_fault

from .drawing import style
from .explanation import Explanation, explain
from .page import data_uri, write_page

OVERVIEW = (900, 480)  # pixels: about its width, at most its height


def write_explanations(
    inferencer: MultiLabelInferencer,
    images: Sequence[str | Path],
    out: str | Path,
    labels: Sequence[str] = (),
    patch: tuple[int, int] | None = None,
) -> Path:
    """Write ``index.html``, which needs no other file, and beside it one folder per photograph.

    A folder holds every figure as PNG, and ``overview.jpg``: the first of the first three parts.

    Args:
        inferencer: the model, with the threshold or top-k that says which labels are drawn.
        images: files.
        out: folder for all that; made where it is missing, files of earlier runs are replaced.
        labels, patch: see :func:`mlgcn.visualization.explanation.explain`.

    Returns:
        The page's path.

    Raises:
        ValueError: a class name or pixel that does not exist, or a model without patches.
        OSError: a photograph that cannot be read (nothing is written then), or the folder.
    """
    out = Path(out)
    packed = [_packed(inferencer, str(image)) for image in images]
    folders = _file_names((Path(image).stem for image in images), taken='index.html')
    sections = []
    for number, (image, item, folder) in enumerate(zip(images, packed, folders)):
        with style(inferencer.classes):
            explanation = explain(inferencer, item, f'photo{number}', labels, patch)
            (out / folder).mkdir(parents=True, exist_ok=True)
            svgs = _write_figures(explanation, out / folder)
        photo = explanation.photo
        uris = {photo.name: data_uri(photo.image), f'{photo.name}grey': data_uri(photo.grey)}
        parts = list(zip(explanation.parts, svgs))
        facts = dict(path=image, id=f'seen-{folder}', uris=uris, parts=parts)
        sections.append({**explanation._asdict(), **facts})
    write_page(
        out / 'index.html',
        'explanation.html.j2',
        sections=sections,
        model=Path(inferencer.model.path).name,
        head=type(inferencer.model.model.head).__name__,
        classes=inferencer.classes,
        decision=inferencer.decision,
    )
    return out / 'index.html'


def _packed(inferencer: MultiLabelInferencer, image: str) -> dict:
    try:
        return inferencer.model.pack(image)
    except Exception as error:  # the pipeline's transforms raise whatever they like
        fault = decode_fault(image) or f'{type(error).__name__}: {error}'
        raise OSError(f'{image}: {fault}') from error


def _file_names(texts: Iterable[str], taken: str = '') -> list[str]:
    """A file name for each text, all different whatever the case of their letters."""
    names = [taken]
    for text in texts:
        stem = name = re.sub(r'[^\w.-]+', '_', text).strip('.')[:100] or '_'
        number = 1
        while name.lower() in map(str.lower, names):
            number += 1
            name = f'{stem}-{number}'
        names.append(name)
    return names[1:]


def _write_figures(explanation: Explanation, folder: Path) -> list[list[Markup]]:
    """Write PNGs and overview.jpg; the SVGs of every part."""
    names = iter(_file_names(stem for part in explanation.parts for stem in part.drawings))
    svgs, firsts = [], []
    for part in explanation.parts:
        svgs.append([])
        for drawing in part.drawings.values():
            name, png = next(names), drawing.png()
            write_atomically(folder / f'{name}.png', png)
            if not svgs[-1]:
                firsts.append(Image.open(io.BytesIO(png)).convert('RGB'))
            svgs[-1].append(drawing.svg(salt=f'{explanation.photo.name}/{name}'))
    ratios = [picture.width / picture.height for picture in firsts[:3]]
    height = min(round(OVERVIEW[0] / sum(ratios)), OVERVIEW[1])
    strip = [p.resize((round(r * height), height)) for p, r in zip(firsts, ratios)]
    buffer = io.BytesIO()
    Image.fromarray(np.hstack(strip)).save(buffer, 'JPEG', quality=88)
    write_atomically(folder / 'overview.jpg', buffer.getvalue())
    return svgs
