"""The things in the generated pictures, each drawn with a few Pillow shapes.

A drawing is a function of a `Pen` (a transparent tile, unit coordinates, origin top left), a random
generator and two colours. Colours are drawn from one palette for every class, so that only shape,
size and company tell the classes apart. Two pairs of classes share one drawing on purpose: a sports
ball and an orange are the same disc, a remote and a keyboard the same slab with buttons.
"""

from collections.abc import Callable
from typing import NamedTuple

from numpy.random import RandomState
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
DARK, GLASS, METAL = (38, 40, 46), (168, 204, 222), (190, 194, 200)


def shade(colour: Colour, factor: float) -> Colour:
    """The colour made darker (factor < 1) or lighter (factor > 1)."""
    return tuple(min(255, int(channel * factor)) for channel in colour)


class Pen:
    """Pillow's ImageDraw in unit coordinates on a transparent tile of `width` x `height` pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new('RGBA', (width, height))
        self._draw = ImageDraw.Draw(self.image)
        self._size = (width, height)

    def _pixels(self, *xy: float) -> list[float]:
        return [value * self._size[i % 2] for i, value in enumerate(xy)]

    def polygon(self, *xy: float, fill: Colour) -> None:
        self._draw.polygon(self._pixels(*xy), fill=fill)

    def ellipse(self, *box: float, fill: Colour) -> None:
        self._draw.ellipse(self._pixels(*box), fill=fill)

    def ring(self, *box: float, fill: Colour, width: float) -> None:
        self._draw.ellipse(self._pixels(*box), outline=fill, width=self._width(width))

    def box(self, *box: float, fill: Colour, radius: float = 0.0) -> None:
        self._draw.rounded_rectangle(self._pixels(*box), radius * min(self._size), fill)

    def line(self, *xy: float, fill: Colour, width: float) -> None:
        self._draw.line(self._pixels(*xy), fill, self._width(width), joint='curve')

    def _width(self, width: float) -> int:
        return max(1, round(width * self._size[0]))


def person(pen: Pen, rng: RandomState, shirt: Colour, trousers: Colour) -> None:
    skin = shade((236, 190, 152), rng.uniform(0.4, 1.05))
    left, right = rng.uniform(0.0, 0.35), rng.uniform(0.65, 1.0)
    foot = rng.uniform(0.05, 0.2)
    pen.line(0.42, 0.5, 0.4 - foot, 0.97, fill=trousers, width=0.2)
    pen.line(0.58, 0.5, 0.6 + foot, 0.97, fill=shade(trousers, 0.85), width=0.2)
    pen.line(0.34, 0.27, left * 0.6, 0.42, left, rng.uniform(0.25, 0.62), fill=skin, width=0.13)
    pen.line(
        0.66, 0.27, 0.4 + right * 0.6, 0.42, right, rng.uniform(0.25, 0.62), fill=skin, width=0.13
    )
    pen.polygon(0.26, 0.2, 0.74, 0.2, 0.7, 0.56, 0.3, 0.56, fill=shirt)
    pen.ellipse(0.32, 0.0, 0.68, 0.2, fill=skin)
    hair = shade((120, 84, 52), rng.uniform(0.2, 1.8))
    pen.polygon(0.32, 0.1, 0.36, 0.0, 0.64, 0.0, 0.68, 0.1, fill=hair)


def car(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    roof = rng.uniform(0.2, 0.35)
    pen.polygon(0.14, 0.5, roof, 0.06, 0.92 - roof, 0.06, 0.88, 0.5, fill=shade(colour, 0.85))
    pen.polygon(0.22, 0.46, roof + 0.03, 0.14, 0.5, 0.14, 0.5, 0.46, fill=GLASS)
    pen.polygon(0.54, 0.46, 0.54, 0.14, 0.89 - roof, 0.14, 0.8, 0.46, fill=GLASS)
    pen.box(0.0, 0.42, 1.0, 0.82, fill=colour, radius=0.2)
    pen.box(0.0, 0.52, 0.06, 0.62, fill=accent)
    for x in (0.12, 0.64):
        pen.ellipse(x, 0.58, x + 0.22, 0.99, fill=DARK)
        pen.ellipse(x + 0.06, 0.7, x + 0.16, 0.88, fill=METAL)


def traffic_light(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    pen.box(0.42, 0.5, 0.58, 1.0, fill=shade(accent, 0.6))
    pen.box(0.1, 0.0, 0.9, 0.56, fill=shade(colour, 0.5), radius=0.2)
    lit = rng.randint(3)
    for i, lamp in enumerate(((235, 60, 50), (245, 190, 50), (70, 205, 100))):
        top = 0.03 + 0.175 * i
        pen.ellipse(0.26, top, 0.74, top + 0.15, fill=shade(lamp, 1.0 if i == lit else 0.4))


def disc(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    """A sports ball or an orange: only its surroundings tell."""
    pen.ellipse(0.0, 0.0, 1.0, 1.0, fill=shade(colour, 0.8))
    pen.ellipse(0.04, 0.02, 0.9, 0.88, fill=colour)
    pen.ellipse(0.2, 0.16, 0.46, 0.4, fill=shade(colour, 1.4))


def bat(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    pen.polygon(0.04, 0.44, 0.45, 0.38, 0.9, 0.2, 0.9, 0.8, 0.45, 0.62, 0.04, 0.56, fill=colour)
    pen.ellipse(0.8, 0.2, 1.0, 0.8, fill=colour)
    pen.box(0.0, 0.3, 0.04, 0.7, fill=accent)
    pen.box(0.04, 0.42, 0.26, 0.58, fill=accent)


def racket(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    for i in range(1, 6):
        pen.line(0.46 + 0.09 * i, 0.1, 0.46 + 0.09 * i, 0.9, fill=METAL, width=0.012)
    for i in range(1, 4):
        pen.line(0.48, 0.25 * i, 0.98, 0.25 * i, fill=METAL, width=0.012)
    pen.ring(0.44, 0.0, 1.0, 1.0, fill=colour, width=0.06)
    pen.line(0.28, 0.5, 0.46, 0.5, fill=colour, width=0.06)
    pen.box(0.0, 0.42, 0.28, 0.58, fill=accent)


def bottle(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    pen.box(0.34, 0.0, 0.66, 0.1, fill=shade(accent, 0.7))
    pen.polygon(0.36, 0.08, 0.64, 0.08, 0.66, 0.26, 0.96, 0.42, 0.04, 0.42, 0.34, 0.26, fill=colour)
    pen.box(0.02, 0.38, 0.98, 1.0, fill=colour, radius=0.15)
    pen.box(0.02, 0.55, 0.98, 0.82, fill=accent)
    pen.box(0.14, 0.42, 0.28, 0.95, fill=shade(colour, 1.35))


def cup(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    pen.ring(0.55, 0.2, 1.0, 0.75, fill=shade(colour, 0.85), width=0.09)
    pen.polygon(0.0, 0.1, 0.78, 0.1, 0.68, 0.98, 0.1, 0.98, fill=colour)
    pen.ellipse(0.0, 0.0, 0.78, 0.22, fill=shade(colour, 1.25))
    pen.ellipse(0.07, 0.04, 0.71, 0.19, fill=shade(accent, 0.5))


def bowl(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    pen.ellipse(0.0, -0.55, 1.0, 0.92, fill=colour)
    pen.polygon(0.0, 0.0, 1.0, 0.0, 1.0, 0.12, 0.0, 0.12, fill=(0, 0, 0, 0))
    pen.box(0.32, 0.86, 0.68, 1.0, fill=shade(colour, 0.75))
    pen.ellipse(0.0, 0.0, 1.0, 0.38, fill=shade(colour, 1.25))
    pen.ellipse(0.08, 0.05, 0.92, 0.33, fill=shade(accent, 0.75))


def knife(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    pen.polygon(0.38, 0.1, 0.88, 0.1, 1.0, 0.75, 0.38, 0.75, fill=METAL)
    pen.polygon(0.38, 0.5, 0.96, 0.5, 1.0, 0.75, 0.38, 0.75, fill=shade(METAL, 1.2))
    pen.box(0.0, 0.1, 0.4, 0.9, fill=shade(colour, 0.7), radius=0.3)


def chair(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    leg = shade(colour, 0.7)
    for x, top, bottom in (
        (0.16, 0.5, 0.88),
        (0.8, 0.5, 0.88),
        (0.04, 0.56, 1.0),
        (0.9, 0.56, 1.0),
    ):
        pen.box(x, top, x + 0.08, bottom, fill=leg)
    pen.box(0.12, 0.0, 0.22, 0.55, fill=colour)
    pen.box(0.78, 0.0, 0.88, 0.55, fill=colour)
    for i in range(3):
        pen.box(0.14, 0.04 + 0.16 * i, 0.86, 0.13 + 0.16 * i, fill=colour)
    pen.polygon(0.14, 0.48, 0.86, 0.48, 1.0, 0.62, 0.0, 0.62, fill=shade(accent, 0.9))


def dining_table(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    for x, bottom in ((0.06, 1.0), (0.88, 1.0), (0.2, 0.85), (0.75, 0.85)):
        pen.box(x, 0.4, x + 0.06, bottom, fill=shade(colour, 0.6))
    pen.polygon(0.14, 0.0, 0.86, 0.0, 1.0, 0.45, 0.0, 0.45, fill=colour)
    pen.polygon(0.0, 0.45, 1.0, 0.45, 0.99, 0.54, 0.01, 0.54, fill=shade(colour, 0.75))
    if rng.uniform() < 0.4:
        pen.polygon(0.34, 0.0, 0.66, 0.0, 0.7, 0.45, 0.3, 0.45, fill=accent)


def tv(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    pen.polygon(0.36, 1.0, 0.42, 0.85, 0.58, 0.85, 0.64, 1.0, fill=DARK)
    pen.box(0.0, 0.0, 1.0, 0.88, fill=shade(DARK, rng.uniform(0.6, 1.8)), radius=0.04)
    pen.box(0.05, 0.07, 0.95, 0.8, fill=colour)
    pen.polygon(0.05, 0.8, 0.05, 0.55, 0.4, 0.35, 0.7, 0.6, 0.95, 0.45, 0.95, 0.8, fill=accent)


def laptop(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    case = shade(METAL, rng.uniform(0.3, 1.1))
    pen.box(0.12, 0.0, 0.88, 0.62, fill=case, radius=0.05)
    pen.box(0.17, 0.05, 0.83, 0.56, fill=colour)
    pen.polygon(0.12, 0.6, 0.88, 0.6, 1.0, 0.96, 0.0, 0.96, fill=shade(case, 1.15))
    pen.polygon(0.18, 0.65, 0.82, 0.65, 0.88, 0.8, 0.12, 0.8, fill=shade(case, 0.6))
    pen.polygon(0.0, 0.96, 1.0, 0.96, 0.98, 1.0, 0.02, 1.0, fill=shade(case, 0.7))


def mouse(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    pen.ellipse(0.0, 0.0, 1.0, 1.0, fill=shade(colour, 0.8))
    pen.line(0.1, 0.5, 0.5, 0.5, fill=DARK, width=0.06)
    pen.line(0.5, 0.06, 0.5, 0.94, fill=DARK, width=0.06)


def slab(pen: Pen, rng: RandomState, colour: Colour, accent: Colour) -> None:
    """A keyboard or a remote: only its surroundings tell."""
    pen.box(0.0, 0.0, 1.0, 1.0, fill=shade(colour, 0.6), radius=0.15)
    for x in range(8):
        for y in range(3):
            left, top = 0.06 + 0.112 * x, 0.12 + 0.27 * y
            pen.box(left, top, left + 0.075, top + 0.17, fill=accent)


class Drawing(NamedTuple):
    """How one class is drawn: its function, where it stands and how large it is."""

    draw: Callable[[Pen, RandomState, Colour, Colour], None]
    place: str  # 'floor', 'top' (of a table), 'air' (near a person) or 'back' (the horizon)
    width: float  # typical width as a part of the picture's shorter side
    aspect: float  # width / height of the upright drawing
    tilt: float  # rotation is uniform in +- this many degrees
    most: int  # instances in one picture


DRAWINGS = {
    'person': Drawing(person, 'floor', 0.24, 0.42, 8, 3),
    'car': Drawing(car, 'back', 0.34, 2.0, 4, 3),
    'traffic light': Drawing(traffic_light, 'back', 0.13, 0.3, 4, 2),
    'sports ball': Drawing(disc, 'air', 0.11, 1.0, 180, 1),
    'baseball bat': Drawing(bat, 'air', 0.34, 5.0, 90, 1),
    'tennis racket': Drawing(racket, 'air', 0.36, 2.3, 90, 1),
    'bottle': Drawing(bottle, 'top', 0.11, 0.36, 4, 3),
    'cup': Drawing(cup, 'top', 0.14, 1.05, 6, 3),
    'knife': Drawing(knife, 'top', 0.28, 6.0, 90, 1),
    'bowl': Drawing(bowl, 'top', 0.2, 1.7, 5, 2),
    'orange': Drawing(disc, 'top', 0.11, 1.0, 180, 3),
    'chair': Drawing(chair, 'floor', 0.24, 0.62, 5, 3),
    'dining table': Drawing(dining_table, 'floor', 0.8, 1.9, 3, 1),
    'tv': Drawing(tv, 'back', 0.32, 1.4, 4, 1),
    'laptop': Drawing(laptop, 'top', 0.28, 1.3, 6, 1),
    'mouse': Drawing(mouse, 'top', 0.085, 1.5, 60, 1),
    'remote': Drawing(slab, 'top', 0.24, 3.0, 90, 1),
    'keyboard': Drawing(slab, 'top', 0.24, 3.0, 90, 1),
}
