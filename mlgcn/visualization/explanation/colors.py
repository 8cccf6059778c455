"""Colour scales that colour-blind readers can read, too."""

import numpy as np
from numpy import ndarray

# One colour per group of channels (Okabe and Ito's palette, the dark ones first).
GROUPS = ('#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00')
# matplotlib's viridis at 0, 1/8, ..., 1, and ColorBrewer's PuOr
VIRIDIS = (
    '440154 472d7b 3b528b 2c728e 21918c 28ae80 5ec962 addc30 fde725'
)  # fmt: skip
PURPLE, ORANGE = (94, 60, 153), (253, 141, 20)
PURPLE_ORANGE = '2d004b 542788 8073ac b2abd2 f7f7f7 fdb863 e08214 b35806 7f3b08'


def sequential(values: ndarray) -> ndarray:
    """Values from 0 to 1 in viridis: any shape to uint8 (..., 3)."""
    return _interpolated(VIRIDIS, np.clip(values, 0, 1))


def diverging(values: ndarray) -> ndarray:
    """Values from -1 (purple) over 0 (near white) to 1 (orange): any shape to uint8 (..., 3)."""
    return _interpolated(PURPLE_ORANGE, np.clip(values, -1, 1) / 2 + 0.5)


def two_inks(values: ndarray) -> tuple[ndarray, ndarray]:
    """Values from -1 to 1 to lay on a picture: purple or orange uint8 (..., 3), and opacity."""
    colors = np.where((values > 0)[..., None], ORANGE, PURPLE).astype(np.uint8)
    return colors, 0.9 * np.abs(values)


def on_grey(colors: ndarray, opacity: ndarray) -> ndarray:
    """Colours as they look on middle grey."""
    mixed = 128 + opacity[..., None] * (colors.astype(float) - 128)
    return mixed.round().astype(np.uint8)


def hex_of(color: ndarray) -> str:
    """uint8 (3,) as '#rrggbb'."""
    return '#' + bytes(color.tolist()).hex()


def ink_on(color: ndarray) -> str:
    """Black or white, whichever contrasts more with uint8 (3,): WCAG's relative luminance."""
    linear = (np.asarray(color) / 255) ** 2.2
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    return '#000000' if luminance > 0.179 else '#ffffff'


def _interpolated(anchors: str, position: ndarray) -> ndarray:
    table = np.array([list(bytes.fromhex(anchor)) for anchor in anchors.split()], float)
    places = np.linspace(0, 1, len(table))
    channels = [np.interp(position, places, table[:, i]) for i in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
