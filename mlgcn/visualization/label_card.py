"""A photograph with its predicted labels below it, and the folder that holds such pictures."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap

from matplotlib.figure import Figure
from PIL import Image

from mlgcn.atomic_files import refuse_existing, write_atomically

from .drawing import SOFT, picture, shortened, style
from .page import encoded

SHORTEST, LONGEST = 420, 1280  # pixels: the photograph's width at least, either side at most
LINE, MOST = 28, 25  # pixels of a line, labels
TRACK, FILL, MARK = '#e3e6ea', '#1f6fb2', '#d55e00'


def label_card(
    photo: Image.Image,
    labels: Sequence[tuple[str, float]],
    note: str = '',
    thresholds: Mapping[str, float] | None = None,
) -> Image.Image:
    """The photograph and, on a panel below, `labels` (name, probability) with bars, and `note`.

    `thresholds` of the classes are marks on the bars. Small photographs are enlarged and large ones
    reduced, so that the text is legible at any size.
    """
    factor = min(max(1, SHORTEST / photo.width), LONGEST / max(photo.size))
    photo = photo.convert('RGB').resize(
        [max(round(side * factor), 1) for side in photo.size], Image.LANCZOS
    )
    shown, width = labels[:MOST], max(photo.width, SHORTEST)
    letters = width // 8  # of a line
    notes = [f'… and {len(labels) - MOST} more'] if len(labels) > MOST else []
    notes += [] if shown else ['no label reaches its threshold']
    notes += wrap(shortened(note, 3 * letters), letters)
    height = photo.height + LINE * (len(shown) + len(notes) + 1)
    with style([name for name, _ in shown] + notes):
        figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor='white')
        figure.figimage(photo, (width - photo.width) // 2, height - photo.height)
        for i, text in enumerate(reversed(notes)):
            text, y = shortened(text, letters), LINE * (i + 1) / height
            figure.text(12 / width, y, text, size=10, color=SOFT, va='center')
        if shown:
            bottom, rows = LINE * (len(notes) + 0.5) / height, range(len(shown))
            axes = figure.add_axes((0.5, bottom, 0.33, LINE * len(shown) / height), xticks=())
            axes.barh(rows, 1, 0.42, color=TRACK)
            axes.barh(rows, [p for _, p in shown], 0.42, color=FILL)
            axes.set_yticks(rows, [shortened(name, width // 24) for name, _ in shown])
            axes.set(xlim=(0, 1), ylim=(len(shown) - 0.5, -0.5))
            for row, (name, p) in enumerate(shown):
                axes.text(1.03, row, f'{p:.1%}', size=11, color=SOFT, va='center')
                if thresholds:
                    axes.vlines(thresholds[name], row - 0.35, row + 0.35, color=MARK, lw=2)
        return picture(figure)


class PictureFolder:
    """A folder of pictures whose names do not collide.

    Pictures keep the folders of their images; two images of one name (a/x.jpg and b/x.jpg in a
    list, x.jpg and x.png) are numbered.
    """

    def __init__(self, folder: str | Path, force: bool = False):
        self.folder, self.force = Path(folder), force
        self.folder.mkdir(parents=True, exist_ok=True)
        if not os.access(self.folder, os.W_OK):
            raise PermissionError(f'{folder}: this folder cannot be written to')
        self._owners: dict[str, str] = {}
        self._free: set[Path] = set()  # not there at the start, or to be overwritten

    def path(self, image: str, name: str) -> Path:
        """The picture's file for the file `image`, which is called `name` below its folder."""
        image, stem = os.path.abspath(image), os.path.splitext(name)[0]
        for number in range(1, len(self._owners) + 2):
            target = f'{stem}.jpg' if number == 1 else f'{stem} ({number}).jpg'
            if self._owners.setdefault(target.lower(), image) == image:
                break
        return self.folder / target

    def refuse_overwriting(self, images: Sequence[tuple[str, str]]) -> None:
        """Refuse to replace one of `images` (file, name), or without `force` another file.

        Raises a ValueError or a FileExistsError.
        """
        files = {os.path.realpath(image) for image, _ in images}
        for path in (self.path(*image) for image in images):
            if os.path.realpath(path) in files:
                raise ValueError(
                    f'{path}: a picture would replace this photograph; choose another folder'
                )
            if path not in self._free:
                refuse_existing(path, self.force)
                self._free.add(path)

    def save(self, card: Image.Image, image: str, name: str) -> None:
        """Write the picture of the file `image`."""
        path = self.path(image, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, encoded(card, 'JPEG', quality=90))
