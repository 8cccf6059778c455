"""Pictures of graphs among labels: nodes with directed edges, and heat maps of matrices."""

import math
from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from .canvas import Canvas
from .colors import diverging, hex_of, ink_on, sequential
from .photo_pictures import color_bar, short
from .pillow_shapes import Point, text_width

MOST_EDGES = 30
MOST_LEVEL = 12  # labels whose names are written level
CELL, NAMES = 58, 130  # side of a cell, room for the names, in pixels
NODE = 20  # radius of a node


def heat_map(
    values: ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    subtitle: str,
    signed: bool,
) -> Canvas:
    """A matrix (rows, columns) as coloured squares with its numbers, and its scale.

    Unsigned values are coloured from 0 to the largest, signed ones from minus to plus the largest
    size.
    """
    high = float(np.abs(values).max()) or 1.0
    decimals = max(2, 1 - math.floor(math.log10(high)))
    colors = diverging(values / high) if signed else sequential(values / high)
    left = 20 + max(min(text_width(name, 13), NAMES) for name in rows)
    top = 72 + max(min(text_width(name, 13), NAMES) for name in columns)
    width = max(left + CELL * len(columns) + 12, 440)
    canvas = Canvas(width, top + CELL * 0.6 * len(rows) + 50, f'{title}; {subtitle}')
    canvas.text((12, 18), title, 16, room=width - 24)
    canvas.text((12, 40), subtitle, 13, 'soft', room=width - 24)
    for j, name in enumerate(columns):
        canvas.text((left + CELL * (j + 0.5), top - 8), name, 13, angle=90, room=NAMES)
    for i, name in enumerate(rows):
        y = top + CELL * 0.6 * i
        canvas.text((left - 8, y + CELL * 0.3), name, 13, anchor='end', room=NAMES)
        for j in range(len(columns)):
            x, color = left + CELL * j, colors[i, j]
            canvas.rect((x, y, x + CELL - 1, y + CELL * 0.6 - 1), hex_of(color))
            at = (x + CELL / 2, y + CELL * 0.3)
            canvas.text(
                at, short(values[i, j], decimals if signed else None), 13, ink_on(color), 'middle'
            )
    foot = top + CELL * 0.6 * len(rows) + 18
    ramp = np.linspace(-1 if signed else 0, 1, 64)[None]
    shades = diverging(ramp) if signed else sequential(ramp)
    color_bar(canvas, (left, foot), shades, -high if signed else 0.0, high)
    return canvas


def graph_picture(
    weights: ndarray, names: Sequence[str], probabilities: Sequence[float], title: str
) -> Canvas:
    """Labels on a circle and the edges between them, weights (n, n) from row to column >= 0.

    At most the 30 heaviest edges are drawn; the diagonal is not.
    """
    n = len(names)
    radius = max(110.0, (2 * NODE + 22) * n / (2 * math.pi))
    rim = NAMES if n > MOST_LEVEL else NODE  # room for the names above and below
    middle = (radius + NAMES + NODE + 24, radius + 64 + NODE + rim)
    places = [_on_circle(middle, radius, i / n) for i in range(n)]
    edges = [(weights[i, j], i, j) for i in range(n) for j in range(n) if i != j]
    edges = sorted(edges)[-MOST_EDGES:]  # the heaviest are drawn last, on top
    drawn = 'all' if len(edges) == n * (n - 1) else f'the {len(edges)} heaviest of {n * (n - 1)}'
    subtitle = f'From sender to receiver, {drawn}; in nodes: probability in %'
    canvas = Canvas(2 * middle[0], middle[1] + radius + rim + 80, f'{title}; {subtitle}')
    canvas.text((12, 18), title, 16, room=canvas.width - 24)
    canvas.text((12, 40), subtitle, 13, 'soft', room=canvas.width - 24)
    heaviest = max((weight for weight, *_ in edges), default=0) or 1.0
    for weight, i, j in edges:
        _arrow(canvas, places[i], places[j], weight / heaviest, middle)
    for place, name, probability in zip(places, names, probabilities):
        canvas.circle(place, NODE, 'card', 'text')
        canvas.text(place, f'{100 * probability:.0f}', 14, anchor='middle')
        _name(canvas, place, middle, name, level=n <= MOST_LEVEL)
    for x, part in zip((12, 152, 292), (1.0, 0.5, 0.1)):
        y = canvas.height - 20
        _arrow(canvas, (x - NODE, y), (x + 52 + NODE, y), part, None)
        canvas.text((x + 62, y), short(part * heaviest), 13)
    return canvas


def _on_circle(middle: Point, radius: float, turn: float) -> Point:
    angle = 2 * math.pi * turn - math.pi / 2  # the first on top, then clockwise
    return middle[0] + radius * math.cos(angle), middle[1] + radius * math.sin(angle)


def _name(canvas: Canvas, place: Point, middle: Point, name: str, level: bool) -> None:
    """The name outside of the circle of nodes: level, or pointing away from the middle."""
    x, y = place
    if not level:
        along = math.degrees(math.atan2(middle[1] - y, x - middle[0]))
        left = abs(along) > 90
        out = _unit(np.array(place) - middle) * (NODE + 8)
        canvas.text(
            tuple(place + out),
            name,
            14,
            anchor='end' if left else 'start',
            angle=along + 180 if left else along,
            room=NAMES,
        )
        return
    if abs(x - middle[0]) < 1:
        below = y > middle[1]
        canvas.text(
            (x, y + (NODE + 12) * (1 if below else -1)), name, 14, anchor='middle', halo=True
        )
        return
    side = 1 if x > middle[0] else -1
    anchor = 'start' if side > 0 else 'end'
    canvas.text((x + side * (NODE + 8), y), name, 14, anchor=anchor, room=NAMES, halo=True)


def _arrow(canvas: Canvas, start: Point, end: Point, part: float, middle: Point | None) -> None:
    """An arc from node to node, drawn towards `middle`, to the right of the arc back; or a line."""
    width = 0.8 + 5.2 * part
    a, b = np.array(start), np.array(end)
    control = (a + b) / 2
    if middle is not None:
        right = np.array([a[1] - b[1], b[0] - a[0]])
        control = 0.7 * control + 0.3 * np.array(middle) + 0.09 * right
    out, back = _unit(control - a), _unit(control - b)
    head = 6 + 1.6 * width
    first, tip = a + out * (NODE + 2), b + back * (NODE + 3)
    last = tip + back * head * 0.8
    t = np.linspace(0, 1, 25)[:, None]
    curve = (1 - t) ** 2 * first + 2 * t * (1 - t) * control + t**2 * last
    opacity = 0.35 + 0.65 * part
    canvas.polyline([tuple(point) for point in curve], 'edge', width, opacity)
    across = np.array([-back[1], back[0]]) * head * 0.5
    base = tip + back * head
    canvas.polygon([tuple(tip), tuple(base + across), tuple(base - across)], 'edge', opacity)


def _unit(vector: ndarray) -> ndarray:
    return vector / (np.linalg.norm(vector) or 1.0)
