"""The shapes of a Canvas drawn with Pillow: `scale` image pixels to a CSS pixel."""

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from mlgcn.visualization.label_font import label_font

# Colours by role follow the page's theme (page_template.py); a PNG has its light ones.
ROLES = {'text': '#1d2127', 'soft': '#5b6470', 'edge': '#1f6fc0', 'card': '#ffffff'}
Point = tuple[float, float]


def rgba(color: str, opacity: float = 1.0) -> tuple[int, int, int, int]:
    value = ROLES.get(color, color).lstrip('#')
    return (*(int(value[i : i + 2], 16) for i in (0, 2, 4)), round(255 * opacity))


def text_width(text: str, size: float) -> float:
    """Pixels that a line of text takes in a PNG, and about those in the SVG."""
    font, text = label_font(text, size)
    return font.getlength(text)


def shortened(text: str, size: float, room: float) -> str:
    whole = text
    while text and text_width(text if text == whole else text + '…', size) > room:
        text = text[:-1]
    return text if text == whole else text.rstrip() + '…'


def scaled(points: Sequence[Point], scale: float) -> list[Point]:
    return [(x * scale, y * scale) for x, y in points]


def draw_line(points, color, width, image, scale) -> None:
    width = max(round(width * scale), 1)
    points = scaled(points, scale)
    left, top = (math.floor(min(p[axis] for p in points)) - width for axis in (0, 1))
    right, bottom = (math.ceil(max(p[axis] for p in points)) + width for axis in (0, 1))
    mask = Image.new('L', (right - left, bottom - top))  # where pieces overlap, ink counts once
    shifted = [(x - left, y - top) for x, y in points]
    ImageDraw.Draw(mask).line(shifted, color[3], width, joint='curve')
    image.paste(Image.new('RGB', mask.size, color[:3]), (left, top), mask)


def draw_polygon(points, color, image, scale) -> None:
    ImageDraw.Draw(image, 'RGBA').polygon(scaled(points, scale), color)


def draw_circle(centre, radius, colors, width, image, scale) -> None:
    fill, outline = colors
    reach = radius + (width / 2 if outline else 0)
    (x, y), reach = centre, reach * scale
    box = (x * scale - reach, y * scale - reach, x * scale + reach, y * scale + reach)
    ImageDraw.Draw(image, 'RGBA').ellipse(box, fill, outline, max(round(width * scale), 1))


def draw_text(at, text, size, color, anchor, angle, halo, image, scale) -> None:
    font, text = label_font(text, size * scale)
    x, y = at[0] * scale, at[1] * scale
    if not angle:
        pen = ImageDraw.Draw(image, 'RGBA')
        rim = dict(stroke_width=round(2 * scale), stroke_fill=rgba('card')) if halo else {}
        pen.text((x, y), text, color, font, anchor + 'm', **rim)
        return
    length, height = math.ceil(font.getlength(text)) + 2, math.ceil(size * scale * 1.6)
    strip = Image.new('L', (length, height))
    ImageDraw.Draw(strip).text((0, height / 2), text, 255, font, 'lm')
    strip = strip.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    ahead = {'l': length / 2, 'm': 0, 'r': -length / 2}[anchor]  # from `at` to the middle
    x += ahead * math.cos(math.radians(angle)) - strip.width / 2
    y -= ahead * math.sin(math.radians(angle)) + strip.height / 2
    image.paste(Image.new('RGB', strip.size, color[:3]), (round(x), round(y)), strip)


def draw_picture(box, image, smooth, target, scale) -> None:
    left, top, right, bottom = (round(edge * scale) for edge in box)
    method = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    resized = image.resize((right - left, bottom - top), method)
    target.paste(resized, (left, top), resized if resized.mode == 'RGBA' else None)
