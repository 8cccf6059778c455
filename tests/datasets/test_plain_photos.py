"""The shipped configs give what Pillow and torchvision give, step by step."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmpretrain.models import ClsDataPreprocessor
from PIL import Image

from mlgcn.datasets import CsvMultiLabel
from mlgcn.datasets.plain_photos import PlainPhotos

FOLDER = Path(__file__).parents[2] / 'configs/_base_/datasets'


@pytest.fixture
def photos(tmp_path):
    """Photographs of several shapes, larger and smaller than the network's."""
    files = []
    for i, (width, height) in enumerate([(640, 480), (480, 640), (500, 333), (97, 300)]):
        coarse = np.random.RandomState(i).randint(0, 256, (height // 3, width // 3, 3), np.uint8)
        files.append(tmp_path / f'{i}.jpg')
        Image.fromarray(coarse).resize((width, height)).save(files[-1], quality=90)
    (tmp_path / 'labels.csv').write_text(''.join(f'{file.name},a\n' for file in files))
    return files


@pytest.mark.parametrize('flip', [0, 1])
@pytest.mark.parametrize(
    ('name', 'size', 'loader'),
    [
        ('coco14_addgcn_448', 448, 'train_dataloader'),
        ('coco14_addgcn_448', 448, 'val_dataloader'),
        ('coco14_addgcn_576', 576, 'val_dataloader'),
    ],
)
def test_the_configs_images_are_the_plain_ones(photos, name, size, loader, flip):
    """The same bytes, and normalised within the rounding of float32."""
    cfg = Config.fromfile(FOLDER / f'{name}.py')
    pipeline = cfg[loader].dataset.pipeline
    for step in pipeline:
        if step.type == 'RandomFlip':
            step.prob = float(flip)
    dataset = CsvMultiLabel('labels.csv', data_root=str(photos[0].parent), pipeline=pipeline)
    plain = PlainPhotos([str(file) for file in photos], size, loader == 'train_dataloader', flip)
    ours, theirs = [], []
    for i in range(len(photos)):
        np.random.seed(i)
        ours.append(dataset[i])
        np.random.seed(i)
        theirs.append(plain[i])
    theirs = torch.stack(theirs)
    std, mean = (torch.tensor(cfg.data_preprocessor[k])[:, None, None] for k in ('std', 'mean'))
    levels = (theirs * std + mean).round().to(torch.uint8)
    batch = default_collate(ours)
    assert torch.equal(batch['inputs'].flip(1), levels)
    preprocess = ClsDataPreprocessor(**cfg.data_preprocessor)
    torch.testing.assert_close(preprocess(batch)['inputs'], theirs, rtol=0, atol=1e-6)
