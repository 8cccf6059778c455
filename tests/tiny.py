"""A tiny data set and config, for tests that really train."""

import csv
import random
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).parent.parent
CLASSES = {'disc': 'red', 'ring': 'green', 'box': 'blue'}
# a frozen backbone whose weights are in a file, and mirrored pictures; to be formatted
FROZEN = """
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='Resize', scale=(32, 32), backend='pillow'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
train_dataloader['dataset'] = dict(pipeline=train_pipeline)
model['backbone'].update(
    out_indices={stages}, frozen_stages=4, norm_eval=True,
    init_cfg=dict(type='Pretrained', checkpoint='{folder}/backbone.pth'))
"""


def make_photos(folder: Path, num_train: int = 24, num_val: int = 13) -> Path:
    """Pictures with up to three coloured shapes, train.csv and val.csv; returns `folder`."""
    draw = random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (('train', num_train), ('val', num_val)):
        with open(folder / f'{split}.csv', 'w', newline='') as file:
            writer = csv.writer(file)
            for index in range(count):
                labels = [name for name in CLASSES if draw.random() < 0.5]
                if index < len(CLASSES):
                    labels = sorted({*labels, list(CLASSES)[index]})
                _picture(labels, draw).save(folder / f'{split} {index}.jpg')
                writer.writerow([f'{split} {index}.jpg', '|'.join(labels)])
    return folder


def _picture(labels: list[str], draw: random.Random) -> Image.Image:
    picture = Image.new('RGB', (80, 60), (draw.randrange(256),) * 3)
    pen = ImageDraw.Draw(picture)
    for name in labels:
        x, y = draw.randrange(50), draw.randrange(30)
        shape = pen.rectangle if name == 'box' else pen.ellipse
        shape((x, y, x + 28, y + 28), fill=CLASSES[name] if name != 'ring' else None,
              outline=CLASSES[name], width=4)  # fmt: skip
    return picture


def write_config(folder: Path, photos: Path, head: str = 'ADDGCNHead', extra: str = '') -> Path:
    """A config that trains for two epochs on `photos` in a second."""
    few = 'node_channels=16, ' if head == 'ADDGCNHead' else ''
    text = f"""
_base_ = [
    '{ROOT}/configs/_base_/datasets/own_448.py',
    '{ROOT}/configs/_base_/schedules/head_only.py',
    '{ROOT}/configs/_base_/default_runtime.py',
]
own = dict(train='{photos}/train.csv', val='{photos}/val.csv')
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='Resize', scale=(40, 40), backend='pillow'),
    dict(type='mlgcn.MultiScaleCrop', size=32),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='Resize', scale=(32, 32), backend='pillow'),
    dict(type='PackInputs'),
]
loader = dict(batch_size=4, num_workers=0, persistent_workers=False, pin_memory=False)
train_dataloader = dict(**loader, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(**loader, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4),
    head=dict(type='mlgcn.{head}', {few}num_classes=None, in_channels=32),
)
train_cfg = dict(max_epochs=2, val_interval=1)
{extra}
"""
    path = folder / 'tiny.py'
    path.write_text(text)
    return path
