"""A drawing that becomes inline SVG on a page and, with Pillow, a PNG beside it."""

import base64
import io
import math
from collections.abc import Sequence
from functools import partial
from html import escape

from PIL import Image

from . import pillow_shapes as shapes
from .pillow_shapes import ROLES, Point, rgba, shortened

MOST_PIXELS = 80e6  # of a drawing before it is reduced to its PNG
ANCHORS = {'start': 'l', 'middle': 'm', 'end': 'r'}


class Canvas:
    """Shapes in the order in which they are drawn; coordinates in CSS pixels from the top left.

    Args:
        width, height: of the drawing.
        title: what it shows, in words: the SVG's text alternative.
    """

    def __init__(self, width: float, height: float, title: str):
        self.width, self.height, self.title = math.ceil(width), math.ceil(height), title
        self._svg: list[str] = []
        self._pillow: list[partial] = []

    def polyline(
        self, points: Sequence[Point], color: str, width: float = 1.5, opacity: float = 1.0
    ) -> None:
        """Straight lines from point to point."""
        path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)
        self._svg.append(
            f'<polyline points="{path}" fill="none" stroke="{_css(color)}" '
            f'stroke-width="{width:.2f}" stroke-opacity="{opacity:.2f}" stroke-linejoin="round"/>'
        )
        self._pillow.append(partial(shapes.draw_line, points, rgba(color, opacity), width))

    def polygon(self, points: Sequence[Point], fill: str, opacity: float = 1.0) -> None:
        """A filled polygon."""
        path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)
        self._svg.append(
            f'<polygon points="{path}" fill="{_css(fill)}" fill-opacity="{opacity:.2f}"/>'
        )
        self._pillow.append(partial(shapes.draw_polygon, points, rgba(fill, opacity)))

    def rect(
        self, box: Sequence[float], fill: str | None, outline: str | None = None, width: float = 1.5
    ) -> None:
        """A rectangle (left, top, right, bottom), its outline centred on the edge."""
        left, top, right, bottom = box
        self._svg.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
            f'height="{bottom - top:.1f}" fill="{_css(fill)}" stroke="{_css(outline)}" '
            f'stroke-width="{width:.2f}"/>'
        )
        if fill:
            corners = ((left, top), (right, top), (right, bottom), (left, bottom))
            self._pillow.append(partial(shapes.draw_polygon, corners, rgba(fill)))
        if outline:
            corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
            self._pillow.append(partial(shapes.draw_line, corners, rgba(outline), width))

    def circle(
        self,
        centre: Point,
        radius: float,
        fill: str | None,
        outline: str | None = None,
        width: float = 1.5,
    ) -> None:
        """A disc, a ring, or both."""
        x, y = centre
        self._svg.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{_css(fill)}" '
            f'stroke="{_css(outline)}" stroke-width="{width:.2f}"/>'
        )
        colors = (fill and rgba(fill), outline and rgba(outline))
        self._pillow.append(partial(shapes.draw_circle, centre, radius, colors, width))

    def text(
        self,
        at: Point,
        text: str,
        size: float = 14,
        color: str = 'text',
        anchor: str = 'start',
        angle: float = 0,
        room: float = math.inf,
        halo: bool = False,
    ) -> None:
        """One line of text, vertically centred at `at`, cut with an ellipsis to `room` pixels.

        Args:
            angle: in degrees, counter-clockwise about `at`.
            halo: with a rim in the background's colour, to be read across lines.
        """
        text = shortened(text, size, room)
        x, y = at
        rim = ' stroke="var(--card)" stroke-width="4" paint-order="stroke"' if halo else ''
        turn = f' transform="rotate({-angle:.1f} {x:.1f} {y:.1f})"' if angle else ''
        self._svg.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
            f'dominant-baseline="central" fill="{_css(color)}"{rim}{turn}>{escape(text)}</text>'
        )
        self._pillow.append(
            partial(shapes.draw_text, at, text, size, rgba(color), ANCHORS[anchor], angle, halo)
        )

    def picture(
        self, box: Sequence[float], image: Image.Image, use: str | None = None, smooth: bool = True
    ) -> None:
        """An image scaled into (left, top, right, bottom).

        Args:
            use: id of an <image> of 1 x 1 pixels elsewhere on the page (see :func:`definition`),
                which the SVG then refers to; without it the SVG holds the image itself.
            smooth: interpolate, or show the pixels as squares.
        """
        left, top, right, bottom = box
        if use:
            self._svg.append(
                f'<use href="#{use}" transform="translate({left:.2f} {top:.2f}) '
                f'scale({right - left:.2f} {bottom - top:.2f})"/>'
            )
        else:
            style = '' if smooth else ' style="image-rendering:pixelated"'
            self._svg.append(
                f'<image x="{left:.2f}" y="{top:.2f}" width="{right - left:.2f}" '
                f'height="{bottom - top:.2f}" preserveAspectRatio="none"{style} '
                f'href="{_data_uri(image, "PNG")}"/>'
            )
        self._pillow.append(partial(shapes.draw_picture, box, image, smooth))

    def svg(self) -> str:
        """The drawing as an <svg> element for a page with the styles of page_template.py."""
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" role="img" aria-label="{escape(self.title)}">'
            + ''.join(self._svg)
            + '</svg>'
        )

    def png(self) -> Image.Image:
        """The drawing in light colours, 1.5 image pixels to a CSS pixel (fewer for huge ones)."""
        scale = min(3.0, (MOST_PIXELS / (self.width * self.height)) ** 0.5)
        size = (round(self.width * scale), round(self.height * scale))
        image = Image.new('RGB', size, ROLES['card'])
        for draw in self._pillow:
            draw(image, scale)
        return image.reduce(2)  # Pillow draws jagged lines


def definition(name: str, image: Image.Image) -> str:
    """An <image> of 1 x 1 pixels that many drawings can `use`."""
    kind = 'PNG' if max(image.size) < 200 else 'JPEG'
    return (
        f'<image id="{name}" width="1" height="1" preserveAspectRatio="none" '
        f'href="{_data_uri(image, kind)}"/>'
    )


def _data_uri(image: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=90)
    return f'data:image/{kind.lower()};base64,' + base64.b64encode(buffer.getvalue()).decode()


def _css(color: str | None) -> str:
    return 'none' if color is None else f'var(--{color})' if color in ROLES else color
