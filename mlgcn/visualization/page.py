"""Self-contained HTML pages from templates/, in which every value is escaped."""

import base64
import io
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from mlgcn.atomic_files import write_atomically


class Cell(NamedTuple):
    """A table's cell: `note` in small print, the number to sort by, and that of a whole bar."""

    text: str
    note: str = ''
    number: float | None = None
    full: float | None = None


def render(template: str, **values) -> str:
    """The page that templates/`template` makes of the values."""
    return _environment().get_template(template).render(values)


def write_page(path: Path, template: str, **values) -> None:
    """Render templates/`template` and write it, whole or not at all; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, render(template, **values).encode())


@cache
def _environment() -> Environment:
    loader = PackageLoader('mlgcn.visualization')
    options = dict(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return Environment(loader=loader, autoescape=True, **options)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    """The file of an image: 'PNG', or 'JPEG' of some `quality`."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def data_uri(image: Image.Image, quality: int = 85) -> str:
    """The image as a JPEG in a data URI."""
    data = base64.b64encode(encoded(image, 'JPEG', quality=quality)).decode()
    return f'data:image/jpeg;base64,{data}'
