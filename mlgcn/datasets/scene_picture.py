"""Puts drawings together to one picture: background, placement, occlusion, light, noise.

What a class looks like, stands on and how large it is, is data: scenes_drawings.json. Colours are
drawn from one palette for every class, so that only shape, size and company tell the classes apart.
Two pairs of classes share one drawing on purpose: a sports ball and an orange are the same disc, a
remote and a keyboard the same slab with buttons.
"""

import colorsys
import json
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState
from PIL import Image, ImageDraw, ImageOps

Colour = tuple[int, ...]
TABLE = json.loads(Path(__file__).with_name('scenes_drawings.json').read_text('utf-8'))
CLASSES: dict[str, dict[str, Any]] = TABLE['classes']
OUTDOORS = ('car', 'traffic light', 'sports ball', 'baseball bat', 'tennis racket')
DRAW_ORDER = ('back', 'floor', 'top', 'air')
PLACEMENTS = 8  # attempts to find a place that leaves enough of the earlier objects visible
MIN_VISIBLE = 0.4  # part of an object that later objects should leave visible
MIN_PIXELS = 12  # with fewer visible pixels an object is not annotated


class Instance(NamedTuple):
    """A drawn object: class name and the mask (H, W) of its visible pixels."""

    name: str
    mask: np.ndarray

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the visible part, in pixels."""
        left, top, right, bottom = Image.fromarray(self.mask).getbbox()
        return left, top, right - left, bottom - top


def shade(colour: Colour, factor: float) -> Colour:
    """The colour made darker (factor < 1) or lighter (factor > 1)."""
    return tuple(min(255, int(channel * factor)) for channel in colour)


class Pen:
    """Pillow's ImageDraw in unit coordinates on a transparent tile of `width` x `height` pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new('RGBA', (width, height))
        self._draw = ImageDraw.Draw(self.image)

    def draw(self, kind: str, xy: list[float], fill: Colour, size: float = 0) -> None:
        """A shape; `size` is the width of lines and rings, the radius of a box's corners."""
        xy = [value * self.image.size[i % 2] for i, value in enumerate(xy)]
        width = max(1, round(size * self.image.width))
        if kind == 'ring':
            self._draw.ellipse(xy, outline=fill, width=width)
        elif kind == 'line':
            self._draw.line(xy, fill, width, joint='curve')
        elif kind == 'box':
            self._draw.rounded_rectangle(xy, size * min(self.image.size), fill)
        else:
            getattr(self._draw, kind)(xy, fill=fill)

    def draw_class(self, name: str, rng: RandomState, first: Colour, second: Colour) -> None:
        """The drawing of a class, as scenes_drawings.json says it in its `about`."""
        drawing = TABLE['drawings'][CLASSES[name]['drawing']]
        random = {
            key: rng.uniform(*what) if isinstance(what, list) else rng.randint(what)
            for key, what in drawing['random'].items()
        }
        colours = {**TABLE['colours'], 'first': first, 'second': second}
        for kind, fill, xy, *options in drawing['shapes']:
            size, (key, low, high) = [*options, *(0, ('', 0, 1))[len(options) :]]
            if low <= random.get(key, 0) < high:
                base, *factors = [fill] if isinstance(fill, str) else fill
                factors = [random.get(factor, factor) for factor in factors]
                xy = [v[0] + v[1] * random[v[2]] if isinstance(v, list) else v for v in xy]
                self.draw(kind, xy, reduce(shade, factors, tuple(colours[base])), size)


def colour(rng: RandomState, saturation=(0.15, 0.75), value=(0.35, 0.95), hue=(0.0, 1.0)) -> Colour:
    """A random colour; hue, saturation and value are uniform in the given ranges."""
    hsv = (rng.uniform(*hue) % 1, rng.uniform(*saturation), rng.uniform(*value))
    return tuple(int(255 * channel) for channel in colorsys.hsv_to_rgb(*hsv))


def texture(rng: RandomState, width: int, height: int) -> np.ndarray:
    """Smooth noise (H, W), about -1 to 1: three octaves of bilinearly enlarged random numbers."""
    total = np.zeros((height, width), np.float32)
    for cells, weight in ((3, 0.5), (9, 0.3), (30, 0.2)):
        small = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
        total += weight * np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))
    return total


def background(rng: RandomState, width: int, height: int, horizon: int, outdoors: bool):
    """Textured wall and floor, or sky and ground, with unlabelled clutter at the horizon."""
    if outdoors:  # blue above, green or brown below
        upper = colour(rng, (0.05, 0.5), (0.6, 1.0), (0.5, 0.68))
        lower = colour(rng, (0.05, 0.6), (0.3, 0.75), (0.05, 0.45))
    else:
        upper = colour(rng, (0.05, 0.5), (0.45, 1.0))
        lower = colour(rng, (0.1, 0.6), (0.3, 0.85))
    pen = Pen(width, height)
    edge = horizon / height
    pen.draw('box', (0, 0, 1, edge), upper)
    pen.draw('box', (0, edge, 1, 1), lower)
    for _ in range(rng.randint(2, 6)):  # houses and hedges, or cupboards and pictures
        left, wide, top = rng.uniform(-0.1, 1), rng.uniform(0.05, 0.35), rng.uniform(0.05, 0.95)
        foot = edge if outdoors else edge * rng.uniform(top, 1.0)
        pen.draw('box', (left, top * edge, left + wide, foot), colour(rng, (0, 0.6), (0.3, 0.9)))
    lines = rng.randint(0, 10)  # road marks and rows of planks
    for i in range(lines):
        start, y = rng.uniform(-0.2, 1), edge + (1 - edge) * (i + 0.5) / lines
        fill = shade(lower, rng.uniform(0.75, 1.25))
        pen.draw('line', (start - 0.5, y, start + rng.uniform(0.1, 1), y), fill, 0.012)
    pixels = np.asarray(pen.image.convert('RGB'), np.float32)
    pixels = pixels * (1 + 0.25 * texture(rng, width, height)[..., None])
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def tile(rng: RandomState, name: str, width: float) -> Image.Image:
    """One object as a transparent tile, drawn at twice its size, shaded, turned and reduced."""
    aspect = CLASSES[name]['aspect'] * np.exp(rng.uniform(-0.18, 0.18))
    pen = Pen(max(8, int(2 * width)), max(8, int(2 * width / aspect)))
    pen.draw_class(name, rng, colour(rng), colour(rng))
    image = ImageOps.mirror(pen.image) if rng.randint(2) else pen.image
    tilt = CLASSES[name]['tilt']  # degrees either way
    image = image.rotate(rng.uniform(-tilt, tilt), Image.Resampling.BILINEAR, expand=True)
    return image.resize([max(2, side // 2) for side in image.size], Image.Resampling.BOX)


def place(rng, where: str, near: float, horizon: int, size, table, people) -> tuple[int, int]:
    """Where the middle of the object's foot comes to stand, in pixels; near is 0 to 1."""
    width, height = size
    x = rng.uniform(0.06, 0.94) * width
    if where == 'back':
        return int(x), int(horizon + near * 0.3 * (height - horizon))
    if where == 'air' and people:
        left, top, wide, high = people[rng.randint(len(people))]
        x = left + wide * rng.uniform(-1.0, 2.0)
        return int(x), int(top + high * rng.uniform(0.0, 0.9))
    if where == 'top' and table:
        left, top, wide, high = table
        return int(left + wide * rng.uniform(0.12, 0.88)), int(top + high * rng.uniform(0.06, 0.42))
    return int(x), int(horizon + (0.25 + 0.75 * near) * (height - horizon))


def draw_objects(rng, canvas, names, horizon) -> list[Instance]:
    """Draws the objects from back to front on the canvas; the masks hold what stays visible."""
    width, height = canvas.size
    zoom = rng.uniform(1.0, 1.4) * min(canvas.size)
    todo = [
        (DRAW_ORDER.index(CLASSES[name]['place']), name != 'dining table', rng.uniform(), name)
        for name in names
        for _ in range(1 + rng.binomial(CLASSES[name]['most'] - 1, 0.4))
    ]
    done: list[Instance] = []
    for _, _, near, name in sorted(todo):
        kind = CLASSES[name]
        table = next((obj.box for obj in done if obj.name == 'dining table'), None)
        people = [obj.box for obj in done if obj.name == 'person']
        for _ in range(PLACEMENTS):
            x, foot = place(rng, kind['place'], near, horizon, canvas.size, table, people)
            depth = 0.7 + 0.5 * max(0, foot - horizon) / (height - horizon)
            image = tile(rng, name, kind['width'] * zoom * depth * np.exp(rng.normal(0, 0.15)))
            left = min(max(x, 0), width) - image.width // 2
            top = min(max(foot - image.height, -image.height // 3), height - image.height * 3 // 4)
            opaque = np.asarray(image.getchannel('A')) > 127
            mask = Image.new('1', canvas.size)
            mask.paste(Image.fromarray(opaque), (left, top))
            mask = np.asarray(mask)
            rest = [Instance(obj.name, obj.mask & ~mask) for obj in done]
            least = [max(MIN_PIXELS, MIN_VISIBLE * obj.mask.sum()) for obj in done]
            if mask.sum() >= MIN_PIXELS and all(
                obj.mask.sum() >= few for obj, few in zip(rest, least)
            ):
                shadow = image.getchannel('A').point(lambda value: value // 3)
                canvas.paste((0, 0, 0), (left + 2, top + 2), shadow)
                canvas.paste(image, (left, top), image)
                done = [*rest, Instance(name, mask)]
                break
    return done


def light(rng: RandomState, canvas: Image.Image) -> Image.Image:
    """Brightness, colour cast, a gradient of light and sensor noise."""
    pixels = np.asarray(canvas, np.float32)
    height, width, _ = pixels.shape
    across, down = np.linspace(-1, 1, width), np.linspace(-1, 1, height)
    gradient = rng.uniform(-0.25, 0.25) * across + rng.uniform(-0.25, 0.25) * down[:, None]
    gain = rng.uniform(0.65, 1.15) * (1 + gradient)[..., None] * rng.uniform(0.88, 1.12, 3)
    noise = rng.standard_normal(pixels.shape) * rng.uniform(1, 8)
    return Image.fromarray((pixels * gain + noise).clip(0, 255).astype(np.uint8))


def draw_scene(
    names: list[str], size: tuple[int, int], rng: RandomState
) -> tuple[Image.Image, list[Instance]]:
    """A picture of `size` (width, height) pixels with objects of the named classes.

    Every decision comes from `rng`. An object for which no place is found where it leaves the
    others visible is left out, so look at the instances for what the picture really shows.
    """
    outdoors = any(name in OUTDOORS for name in names) ^ (rng.uniform() < 0.1)
    width, height = size
    horizon = int(height * rng.uniform(0.3, 0.6))
    canvas = background(rng, width, height, horizon, outdoors)
    instances = draw_objects(rng, canvas, names, horizon)
    return light(rng, canvas), instances
