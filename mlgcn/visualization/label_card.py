"""A photograph with its predicted labels below it, and the folder that holds such pictures."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image, ImageOps

from mlgcn.checkpoints.atomic_files import write_atomically

from .drawing import SOFT, shortened, style

SHORTEST, LONGEST = 420, 1280  # pixels: the photograph's width at least, either side at most
LINE, MARGIN, MOST = 28, 12, 25
TRACK, FILL = '#e3e6ea', '#1f6fb2'


def label_card(
    photo: Image.Image, labels: Sequence[tuple[str, float]], note: str = ''
) -> Image.Image:
    """The photograph and, on a panel below, `labels` (name, probability) with bars, and `note`.

    Small photographs are enlarged and large ones reduced, so that the text is legible at any size.
    """
    photo = _fitted(ImageOps.exif_transpose(photo).convert('RGB'))
    shown = labels[:MOST]
    notes = [f'… and {len(labels) - MOST} more'] if len(labels) > MOST else []
    notes += [] if shown else ['no label reaches its threshold']
    notes += [note] if note else []
    width = max(photo.width, SHORTEST)
    height = photo.height + 2 * MARGIN + LINE * (len(shown) + len(notes))
    with style([name for name, _ in shown] + notes):
        figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor='white')
        figure.figimage(photo, (width - photo.width) // 2, height - photo.height)
        bottom = MARGIN + LINE * len(notes)
        if shown:
            box = (0.52, bottom / height, 0.34, LINE * len(shown) / height)
            axes = figure.add_axes(box, xlim=(0, 1), xticks=(), ylim=(len(shown) - 0.5, -0.5))
            rows, names = range(len(shown)), [shortened(n, int(width / 24)) for n, _ in shown]
            axes.barh(rows, 1, 0.42, color=TRACK)
            bars = axes.barh(rows, [p for _, p in shown], 0.42, color=FILL)
            axes.bar_label(bars, [f'{p:.1%}' for _, p in shown], size=11, color=SOFT)
            for text in axes.texts:
                text.xy = (1, text.xy[1])  # all percentages behind the tracks, in one column
            axes.set_yticks(rows, names, size=13)
        for i, text in enumerate(notes):
            y = bottom - LINE * (i + 0.5)
            text = shortened(text, int((width - 2 * MARGIN) / 8.5))
            figure.text(MARGIN / width, y / height, text, size=11, color=SOFT, va='center')
        buffer = io.BytesIO()
        figure.savefig(buffer, format='rgba')
    return Image.frombytes('RGBA', (width, height), buffer.getvalue()).convert('RGB')


def _fitted(photo: Image.Image) -> Image.Image:
    """At most LONGEST on both sides; enlarged to SHORTEST wide where that allows it."""
    factor = min(max(1, SHORTEST / photo.width), LONGEST / max(photo.size))
    size = [max(round(side * factor), 1) for side in photo.size]
    return photo if factor == 1 else photo.resize(size, Image.Resampling.LANCZOS)


class PictureFolder:
    """A folder of pictures whose names do not collide.

    Pictures keep the folders of their images; two images of one name (a/x.jpg and b/x.jpg in a
    list, x.jpg and x.png) are numbered.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self.folder, os.W_OK):
            raise PermissionError(f'{folder}: this folder cannot be written to')
        self._owners: dict[str, str] = {}

    def path(self, image: str, name: str) -> Path:
        """The picture's file for the file `image`, which is called `name` below its folder."""
        image, stem = os.path.abspath(image), os.path.splitext(name)[0]
        for number in range(1, len(self._owners) + 2):
            target = f'{stem}.jpg' if number == 1 else f'{stem} ({number}).jpg'
            if self._owners.setdefault(target.lower(), image) == image:
                break
        return self.folder / target

    def refuse_overwriting(self, images: Sequence[tuple[str, str]]) -> None:
        """Raise a ValueError where a picture would replace one of `images` (file, name)."""
        files = {os.path.realpath(image) for image, _ in images}
        for path in (self.path(*image) for image in images):
            if os.path.realpath(path) in files:
                raise ValueError(
                    f'{path}: a picture would replace this photograph; choose another folder'
                )

    def save(self, picture: Image.Image, image: str, name: str) -> None:
        """Write the picture of the file `image`."""
        path, buffer = self.path(image, name), io.BytesIO()
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(buffer, 'JPEG', quality=90)
        write_atomically(path, buffer.getvalue())
