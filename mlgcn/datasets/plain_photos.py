"""ADD-GCN's images by Pillow and torchvision alone: what the data pipeline is compared with."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset
from torchvision.transforms import functional as F

from .transforms import MultiScaleCrop

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BILINEAR = Image.Resampling.BILINEAR


class PlainPhotos(Dataset):
    """Reads photographs as ADD-GCN's recipe says it, step by step; for tests and benchmarks.

    Training: squash to (size + 64)^2, `MultiScaleCrop`, resize to size^2, flip. Testing: squash to
    size^2. Then scale to [0, 1] and normalise. The configs' transforms give the same pixels, and
    leave the normalisation to the model's data preprocessor.

    Args:
        files: paths of RGB photographs without EXIF turns.
        size: side of the result in pixels.
        train: whether for training.
        flip: how often a training image is flipped.
    """

    def __init__(self, files: Sequence[str], size: int, train: bool, flip: float = 0.5):
        self.files = files
        self.size = size
        self.crop = MultiScaleCrop(size) if train else None
        self.flip = flip

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        """float32 of shape (3, size, size), RGB."""
        image = Image.open(self.files[index]).convert('RGB')
        if self.crop is not None:
            side = self.size + 64
            image = image.resize((side, side), BILINEAR)
            x, y, w, h = self.crop.draw_box(side, side)
            image = image.crop((x, y, x + w, y + h))
        image = image.resize((self.size, self.size), BILINEAR)
        if self.crop is not None and np.random.rand() < self.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return F.normalize(F.to_tensor(image), MEAN, STD)
