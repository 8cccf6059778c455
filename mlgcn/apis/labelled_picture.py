"""A photograph with its predicted labels below it."""

import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from mlgcn.visualization.label_font import label_font

SHORTEST, LONGEST = 420, 1280  # the photograph's width at least, either side at most
TEXT, LINE, MARGIN, BAR = 18, 28, 12, 90
MOST = 25
PAPER, INK, SOFT, TRACK, FILL = '#ffffff', '#1d2127', '#5b6470', '#e3e6ea', '#1f6fb2'


def labelled_picture(
    photo: Image.Image, labels: Sequence[tuple[str, float]], note: str = ''
) -> Image.Image:
    """The photograph and, on a panel below, `labels` (name, probability) with bars.

    Small photographs are enlarged and large ones reduced, so that the text is legible at any size.

    Args:
        note: said last, in grey; e.g. where the thresholds come from.
    """
    photo = _fitted(ImageOps.exif_transpose(photo).convert('RGB'))
    lines = list(labels[:MOST])
    notes = [] if lines else ['no label reaches its threshold']
    if len(labels) > MOST:
        notes.append(f'... and {len(labels) - MOST} more')
    notes += [note] if note else []
    width = max(photo.width, SHORTEST)
    height = photo.height + 2 * MARGIN + LINE * (len(lines) + len(notes))
    picture = Image.new('RGB', (width, height), PAPER)
    picture.paste(photo, ((width - photo.width) // 2, 0))
    pen = ImageDraw.Draw(picture)
    middle = photo.height + MARGIN + LINE // 2
    for name, probability in lines:
        room = width - 3 * MARGIN - BAR - 60
        _write(pen, (MARGIN, middle), name, room, INK)
        left = width - MARGIN - BAR
        _write(pen, (left - 60, middle), f'{100 * probability:.1f}%', 60, SOFT, TEXT - 3)
        pen.rectangle((left, middle - 6, left + BAR, middle + 6), TRACK)
        if probability * BAR >= 1:
            pen.rectangle((left, middle - 6, left + round(probability * BAR), middle + 6), FILL)
        middle += LINE
    for text in notes:
        _write(pen, (MARGIN, middle), text, width - 2 * MARGIN, SOFT, TEXT - 3)
        middle += LINE
    return picture


def _fitted(photo: Image.Image) -> Image.Image:
    """At most LONGEST on both sides; enlarged to SHORTEST wide where that allows it."""
    factor = min(max(1, SHORTEST / photo.width), LONGEST / max(photo.size))
    size = [max(round(side * factor), 1) for side in photo.size]
    return photo if factor == 1 else photo.resize(size, Image.Resampling.LANCZOS)


def _write(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    room: float,
    color: str,
    size: int = TEXT,
) -> None:
    """One line, vertically centred at `at`, cut with an ellipsis to `room` pixels."""
    font, text = label_font(text, size)
    if font.getlength(text) > room:
        while text and font.getlength(text + '…') > room:
            text = text[:-1]
        text += '…'
    pen.text(at, text, color, font, 'lm')


class PictureFolder:
    """A folder of pictures whose names do not collide.

    Pictures lie in the folders that their images have below the folder asked for; two images that
    would get one name (a/x.jpg and b/x.jpg in a list, x.jpg and x.png) are numbered.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self.folder, os.W_OK):
            raise PermissionError(f'{folder}: this folder cannot be written to')
        self._owners: dict[str, str] = {}

    def path(self, image: str, name: str) -> Path:
        """Where the picture of the file `image` goes, which is called `name` below its folder."""
        image, stem = os.path.abspath(image), os.path.splitext(name)[0]
        for number in range(1, len(self._owners) + 2):
            target = f'{stem}.jpg' if number == 1 else f'{stem} ({number}).jpg'
            if self._owners.setdefault(target.lower(), image) == image:
                break
        return self.folder / target

    def refuse_overwriting(self, images: Sequence[tuple[str, str]]) -> None:
        """Raise a ValueError where a picture would replace one of `images` (file, name)."""
        files = {os.path.realpath(image) for image, _ in images}
        for image, name in images:
            if os.path.realpath(self.path(image, name)) in files:
                raise ValueError(
                    f'{self.path(image, name)}: a picture would replace this photograph; choose '
                    'another folder for the pictures'
                )

    def save(self, picture: Image.Image, image: str, name: str) -> None:
        """Write the picture of the file `image`."""
        path = self.path(image, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, quality=90)
