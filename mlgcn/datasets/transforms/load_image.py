"""The first transform: an image file of any common kind to pixels."""

from dataclasses import dataclass

from mmcv.transforms import BaseTransform
from PIL import Image

from mlgcn.registry import TRANSFORMS

from ..image_io import MAX_PIXELS, BadImage, read_image


@TRANSFORMS.register_module()
@dataclass(eq=False)
class LoadImage(BaseTransform):
    """Reads an image file: JPEG, PNG, GIF, WebP, BMP, TIFF, PPM, JPEG 2000 or AVIF.

    The pixels of plain JPEGs are those of mmcv's `LoadImageFromFile` (OpenCV's and Pillow's, which
    agree). CMYK, 16-bit, grey, palette and transparent images become 8-bit colour, EXIF turns are
    applied, and of animations the first frame is taken: see `read_image`.

    Required key: `img_path`; `crop` (left, top, right, bottom in pixels) keeps that part alone.
    Added keys: `img`, uint8 of shape (H, W, 3) in BGR, `img_shape` and `ori_shape` (H, W).

    Args:
        max_pixels: larger images are refused before they are decoded (decompression bombs).
        value_range: (low, high), the values that become black and white in images with more than 8
            bits, such as (0, 4095) of a sensor with 12. None: all that 16 bits can hold.

    Raises:
        BadImage: names the file, and says what is wrong with it, or that the crop lies outside.
        ValueError: `max_pixels` is not between 1 and Pillow's own limit.
    """

    max_pixels: int = MAX_PIXELS
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        limit = 2 * Image.MAX_IMAGE_PIXELS
        if not 0 < self.max_pixels <= limit:
            expected = f'expected 1 to {limit} (where Pillow stops)'
            raise ValueError(f'max_pixels={self.max_pixels}: {expected}')
        if self.value_range and not self.value_range[0] < self.value_range[1]:
            raise ValueError(f'value_range={self.value_range}: expected (low, high)')

    def transform(self, results: dict) -> dict:
        """Add the pixels of `results['img_path']`."""
        image = read_image(results['img_path'], self.max_pixels, self.value_range)
        if 'crop' in results:
            left, top, right, bottom = (max(round(edge), 0) for edge in results['crop'])
            image, size = image[top:bottom, left:right], image.shape[1::-1]
            if 0 in image.shape:
                fault = f'the crop {results["crop"]} lies outside its {size[0]} x {size[1]} pixels'
                raise BadImage(f'{results["img_path"]}: {fault}', fault)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        return results
