"""Small data sets on disk: photographs of noise with their annotations."""

import json

import numpy as np
import pytest
from mmengine.registry import DefaultScope, init_default_scope
from PIL import Image


@pytest.fixture(autouse=True)
def mmpretrain_scope():
    """Configs set it in a run: transforms are looked up in mmpretrain."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        init_default_scope('mmpretrain')
        yield


@pytest.fixture
def photo():
    """A function that writes a picture of noise, 48 x 32 pixels, making its folder."""

    def write(path, seed=0, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.RandomState(seed).randint(0, 256, (32, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, **options)
        return path

    return write


@pytest.fixture
def folder(tmp_path, photo):
    """Twelve photographs, 00.jpg to 11.jpg, and their labels: `labels.csv`."""
    names = [f'{i:02d}.jpg' for i in range(12)]
    for i, name in enumerate(names):
        photo(tmp_path / 'photos' / name, i)
    (tmp_path / 'labels.csv').write_text(''.join(f'{name},dog\n' for name in names))
    return tmp_path


@pytest.fixture
def coco(tmp_path, photo):
    """A function that writes a COCO folder with `changes` to the annotations; returns its root.

    Ids are out of order. Image 30 has no annotation; the zebra of image 10 is a crowd.
    """

    def write(**changes):
        data = {
            'images': [{'id': i, 'file_name': f'{i}.jpg'} for i in (20, 10, 30)],
            'annotations': [
                {'id': 1, 'image_id': 10, 'category_id': 7, 'iscrowd': 1},
                {'id': 2, 'image_id': 20, 'category_id': 2, 'iscrowd': 0},
                {'id': 3, 'image_id': 20, 'category_id': 2, 'iscrowd': 0},
                {'id': 4, 'image_id': 20, 'category_id': 9, 'iscrowd': 0},
            ],
            'categories': [
                {'id': 9, 'name': 'ant'},
                {'id': 2, 'name': 'person'},
                {'id': 7, 'name': 'zebra'},
            ],
        }
        for i in (10, 20, 30):
            photo(tmp_path / 'train' / f'{i}.jpg', i)
        path = tmp_path / 'annotations' / 'instances_train.json'
        path.parent.mkdir(exist_ok=True)
        kept = {k: v for k, v in {**data, **changes}.items() if v is not None}
        path.write_text(json.dumps(kept))
        return tmp_path

    return write


XML_OBJECT = (
    '<object><name>{}</name><difficult>{}</difficult><part><name>ear</name></part></object>'
)


@pytest.fixture
def voc(tmp_path, photo):
    """A function that writes a VOC folder; returns its root.

    `values` is {image: {class: 1 | 0 | -1}}. A class with 1 has a difficult object as well.
    """
    default = {
        'b': {'cat': 1, 'dog': 0, 'eel': -1},
        'a': {'cat': -1, 'dog': 1, 'eel': 0},
        'c': {'cat': -1, 'dog': -1, 'eel': -1},
    }

    def write(values=default, lists=True, split='trainval'):
        root = tmp_path / 'VOCdevkit' / 'VOC2007'
        main = root / 'ImageSets' / 'Main'
        main.mkdir(parents=True)
        (root / 'Annotations').mkdir()
        (main / f'{split}.txt').write_text('\n'.join(values) + '\n')
        for i, (image, labels) in enumerate(values.items()):
            photo(root / 'JPEGImages' / f'{image}.jpg', i)
            flags = [(n, f) for n, v in labels.items() for f in {1: (0, 1), 0: (1,), -1: ()}[v]]
            things = ''.join(XML_OBJECT.format(name, flag) for name, flag in flags)
            xml = f'<annotation>{things}</annotation>'
            (root / 'Annotations' / f'{image}.xml').write_text(xml)
        for name in next(iter(values.values())) if lists else ():
            lines = [f'{image} {labels[name]:2d}' for image, labels in values.items()]
            (main / f'{name}_{split}.txt').write_text('\n'.join(lines) + '\n\n')
        return root

    return write
