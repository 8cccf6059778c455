"""Self-contained HTML pages from templates/, in which every value is escaped."""

import base64
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from mlgcn.checkpoints.atomic_files import write_atomically


class Cell(NamedTuple):
    """A table's cell: `note` in small print; `sort`: its value where `text` is no number.

    `bars` are (text, length, interval or None) of one bar per run, in percent of the cell.
    """

    text: str = ''
    note: str = ''
    sort: float | None = None
    bold: bool = False
    bars: Sequence[tuple[str, float, tuple[float, float] | None]] = ()


def write_page(path: Path, template: str, **values) -> None:
    """Render templates/`template` and write it, whole or not at all; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, _environment().get_template(template).render(values).encode())


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader('mlgcn.visualization'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def data_uri(image: Image.Image, quality: int = 90) -> str:
    """The image as a JPEG in a data URI."""
    buffer = io.BytesIO()
    image.save(buffer, 'JPEG', quality=quality)
    return 'data:image/jpeg;base64,' + base64.b64encode(buffer.getvalue()).decode()
