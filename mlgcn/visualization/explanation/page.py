"""One HTML page that shows what a model did with photographs, and a PNG of every picture."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from mlgcn.apis import MultiLabelInferencer
from mlgcn.datasets.image_io import decode_fault
from mlgcn.visualization.html import cell, row, table
from mlgcn.visualization.page_template import PAGE

from .canvas import definition
from .explain import Explanation, explain
from .figure_template import SCRIPT, STYLE
from .parts import Part, Table

OVERVIEW_WIDTH = 900


def write_explanations(
    inferencer: MultiLabelInferencer,
    images: Sequence[str | Path],
    out: str | Path,
    labels: Sequence[str] = (),
    patch: tuple[int, int] | None = None,
) -> Path:
    """Write ``index.html``, which needs no other file, and beside it one folder per photograph.

    A folder holds every picture of its photograph as PNG, and ``overview.jpg``: the first picture
    of the first three parts in a row, about 900 pixels wide.

    Args:
        inferencer: the model, with the threshold or top-k that says which labels are drawn.
        images: files.
        out: folder for all that; made where it is missing, files of earlier runs are replaced.
        labels: names of the classes to draw instead.
        patch: pixel (x, y) of the picture that the model saw; see
            :func:`mlgcn.visualization.explanation.explain.explain`.

    Returns:
        The page's path.

    Raises:
        ValueError: a class name or pixel that does not exist, or a model without patches.
        OSError: a photograph that cannot be read (none is drawn then), or a folder that cannot be
            written.
    """
    out = Path(out)
    packed = [_packed(inferencer, str(image)) for image in images]
    folders = _folders(images)
    sections, definitions = [], []
    for number, (image, item, folder) in enumerate(zip(images, packed, folders)):
        explanation = explain(inferencer, item, f'seen:{number}', labels, patch)
        (out / folder).mkdir(parents=True, exist_ok=True)
        _write_pictures(explanation, out / folder)
        sections.append(_section(explanation, str(image), folder))
        photo = explanation.photo
        definitions.append(definition(photo.name, photo.image))
        definitions.append(definition(photo.name + 'grey', photo.grey))
    shared = f'<svg class="shared" aria-hidden="true"><defs>{"".join(definitions)}</defs></svg>'
    facts = (
        f'<p class="soft">{escape(Path(inferencer.model.path).name)}: '
        f'{type(inferencer.model.model.head).__name__}, {len(inferencer.classes)} classes; '
        f'{escape(inferencer.decision)}. Click a picture, or press Enter on it, to enlarge it; '
        'then the arrow keys leaf through and Esc closes. '
        '<button class="theme">Dark or light</button></p>'
    )
    links = ' · '.join(
        f'<a href="#{f}">{escape(Path(i).name)}</a>' for i, f in zip(images, folders)
    )
    body = [STYLE, shared, facts, f'<nav>{links}</nav>' if len(images) > 1 else '', *sections]
    html = PAGE.substitute(title='What the model looked at', sections='\n'.join([*body, SCRIPT]))
    (out / 'index.html').write_text(html, encoding='utf-8')
    return out / 'index.html'


def _packed(inferencer: MultiLabelInferencer, image: str) -> dict:
    try:
        return inferencer.model.pack(image)
    except Exception as error:  # the pipeline's transforms raise whatever they like
        fault = decode_fault(image) or f'{type(error).__name__}: {error}'
        raise OSError(f'{image}: {fault}') from error


def _folders(images: Sequence[str | Path]) -> list[str]:
    """One name for each image, all different."""
    names = ['index.html']
    for image in images:
        names.append(_unused(Path(image).stem, names))
    return names[1:]


def _unused(text: str, taken: Sequence[str]) -> str:
    """`text` as a file name that is not taken yet, whatever the case of its letters."""
    stem = re.sub(r'[^\w.-]+', '_', text).strip('.')[:100] or '_'
    lower = {name.lower() for name in taken}
    number, name = 1, stem
    while name.lower() in lower:
        number += 1
        name = f'{stem}-{number}'
    return name


def _write_pictures(explanation: Explanation, folder: Path) -> None:
    taken: list[str] = []
    firsts = []
    for part in explanation.parts:
        for i, figure in enumerate(part.figures):
            picture = figure.canvas.png()
            taken.append(_unused(figure.stem, taken))
            picture.save(folder / f'{taken[-1]}.png', compress_level=3)
            if i == 0 and len(firsts) < 3:
                firsts.append(picture)
    ratios = [picture.width / picture.height for picture in firsts]
    height = min(round(OVERVIEW_WIDTH / sum(ratios)), 480)
    strip = Image.new('RGB', (sum(round(r * height) for r in ratios), height), '#ffffff')
    left = 0
    for picture, ratio in zip(firsts, ratios):
        width = round(ratio * height)
        strip.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (left, 0))
        left += width
    strip.save(folder / 'overview.jpg', quality=88)


def _section(explanation: Explanation, path: str, folder: str) -> str:
    photo, labels = explanation.photo, explanation.labels
    height, width = np.asarray(photo.image).shape[:2]
    rows = [
        (name, f'{p:.1%}', f'{threshold:.1%}' if present else f'{threshold:.1%} (not reached)')
        for name, p, threshold, present in zip(
            labels.names, labels.probabilities, labels.thresholds, labels.present
        )
    ]
    photograph = (
        f'<svg viewBox="0 0 {photo.width:.0f} {photo.height:.0f}" role="img" '
        f'aria-label="{escape(Path(path).name)}"><use href="#{photo.name}" '
        f'transform="scale({photo.width:.2f} {photo.height:.2f})"/></svg>'
    )
    return (
        f'<section id="{folder}"><h2>{escape(path)}</h2>\n<div class="facts">{_button(photograph)}'
        f'<div><p class="soft">All pictures are drawn on what the model saw: {width} x {height} '
        'pixels, after the resizing and cropping of the test pipeline. '
        f'{escape(explanation.note)}</p>'
        f'{_table(Table(("Label", "Probability", "Threshold"), rows))}</div></div>\n'
        + '\n'.join(_part(part) for part in explanation.parts)
        + '</section>'
    )


def _part(part: Part) -> str:
    figures = ''.join(_button(figure.canvas.svg()) for figure in part.figures)
    facts = _table(part.table) if part.table else ''
    kind = 'figures wide' if part.wide else 'figures'
    return (
        f'<h3>{part.heading}</h3>\n<p>{part.text}</p>\n{facts}<div class="{kind}">{figures}</div>'
    )


def _button(svg: str) -> str:
    return f'<button class="figure" title="Enlarge">{svg}</button>'


def _table(facts: Table) -> str:
    rows = [row(name, [cell(escape(text)) for text in texts]) for name, *texts in facts.rows]
    return table([escape(name) for name in facts.head], rows)
