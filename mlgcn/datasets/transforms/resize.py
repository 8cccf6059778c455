"""mmcv's Resize, faster."""

import mmcv

from mlgcn.ops.pillow_resize import FILTERS, resize
from mlgcn.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Resize(mmcv.transforms.Resize):
    """mmcv's `Resize`, in which `backend='pillow'` takes a quarter of Pillow's time.

    The pixels are Pillow's, bit for bit: see `mlgcn.ops.pillow_resize`. Keys and arguments are
    mmcv's.
    """

    def _resize_img(self, results: dict) -> None:
        if self.backend != 'pillow' or self.keep_ratio or self.interpolation not in FILTERS:
            super()._resize_img(results)
            return
        height, width = results['img'].shape[:2]
        results['img'] = resize(results['img'], tuple(results['scale']), self.interpolation)
        results['img_shape'] = results['img'].shape[:2]
        results['scale_factor'] = tuple(m / n for m, n in zip(results['scale'], (width, height)))
        results['keep_ratio'] = False
