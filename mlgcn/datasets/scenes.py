"""The built-in data set: generated pictures of everyday scenes in COCO layout.

Eighteen of COCO's classes, several in every picture, drawn with Pillow on textured backgrounds.
The label sets are real: they are drawn from those of COCO 2014's training images
(scenes_cooccurrence.json: annotations (c) COCO Consortium, CC BY 4.0), so that one label tells
something about the others, and some objects are too small, too hidden or too ambiguous to be
recognised without them: a sports ball and an orange are the same drawing, so are a remote and a
keyboard.
"""

import json
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import RandomState

from mlgcn.progress import track

from .scene_picture import draw_scene

TABLE = json.loads(Path(__file__).with_name('scenes_cooccurrence.json').read_text('utf-8'))
CLASSES: dict[str, int] = TABLE['classes']  # {name: COCO's category id}
ABOUT = 'mlgcn scenes: generated pictures, label sets of COCO 2014 (CC BY 4.0)'
LICENCE = {'id': 1, 'name': 'CC BY 4.0', 'url': 'https://creativecommons.org/licenses/by/4.0/'}
SPLITS = ('train', 'val')
FIRST_VAL_ID = 1_000_001  # image ids are unique over both splits, whatever their sizes


def draw_one(index: int, seed: int, split: str, size: tuple[int, int], root: Path) -> dict:
    """Draws and saves picture `index` of a split; returns its `image` and `annotations` entries.

    The picture depends on the seed, the split and the index alone. (RandomState, because numpy
    promises never to change its numbers.)
    """
    names = {number: name for name, number in CLASSES.items()}
    rng = RandomState([seed, SPLITS.index(split), index])
    # the square root of COCO's counts: rare classes are met often enough to be learned
    weights = np.sqrt([count for count, _ in TABLE['sets']])
    _, labels = TABLE['sets'][rng.choice(len(weights), p=weights / weights.sum())]
    picture, instances = draw_scene([names[label] for label in labels], size, rng)
    image_id = index + (1 if split == 'train' else FIRST_VAL_ID)
    file_name = f'{image_id:012d}.jpg'
    picture.save(root / split / file_name, quality=92, subsampling=0)
    annotations = [
        {
            'image_id': image_id,
            'category_id': CLASSES[instance.name],
            'bbox': list(instance.box),
            'area': int(instance.mask.sum()),
            'iscrowd': 0,
        }
        for instance in instances
    ]
    image = {'id': image_id, 'file_name': file_name, 'width': size[0], 'height': size[1]}
    return {'image': {**image, 'license': 1}, 'annotations': annotations}


def make_scenes(
    root: str | Path,
    seed: int = 0,
    num_train: int = 2400,
    num_val: int = 600,
    size: tuple[int, int] = (128, 128),
) -> bool:
    """Writes `root/{train,val}/*.jpg` and `root/annotations/instances_{train,val}.json`.

    The same arguments give the same files (pixels may differ between versions of Pillow), however
    many processes draw them, and the first pictures of a larger set are those of a smaller one.
    The folder appears only when it is complete.

    Args:
        size: width and height of the pictures in pixels, at least 64 each.

    Returns:
        False if `root` already holds exactly this data set; nothing is written then.

    Raises:
        FileExistsError: `root` holds something else.
        ValueError: a size or a number of pictures is out of range.
    """
    root = Path(root)
    if min(size) < 64:
        raise ValueError(f'size must be at least 64 x 64 pixels, but is {size[0]} x {size[1]}')
    if not (0 < num_train < FIRST_VAL_ID and num_val > 0 and 0 <= seed < 2**32):
        told = 'expected num_train from 1 to 1000000, num_val from 1 and seed from 0 to 2**32 - 1'
        raise ValueError(f'{told}, seen {num_train}, {num_val} and {seed}')
    options = {'seed': seed, 'num_train': num_train, 'num_val': num_val, 'size': list(size)}
    info = {'description': ABOUT, **options}
    if _is_drawn(root, info):
        return False
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix='.scenes-') as temporary:
        new = Path(temporary) / root.name
        (new / 'annotations').mkdir(parents=True)
        for split in SPLITS:
            _write(new, split, info)
        os.replace(new, root)
    return True


def _is_drawn(root: Path, info: dict) -> bool:
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    with suppress(OSError, ValueError, KeyError, TypeError):
        if json.loads((root / 'annotations/instances_val.json').read_text())['info'] == info:
            return True
    told = f'holds something else than these scenes ({info})'
    raise FileExistsError(f'{root} {told}: choose another folder')


def _write(root: Path, split: str, info: dict) -> None:
    (root / split).mkdir()
    work = partial(draw_one, seed=info['seed'], split=split, size=info['size'], root=root)
    numbers = range(info[f'num_{split}'])
    with ProcessPoolExecutor() as pool:
        drawn = pool.map(work, numbers, chunksize=16)
        drawn = list(track(drawn, f'{split} pictures', len(numbers)))
    annotations = [annotation for picture in drawn for annotation in picture['annotations']]
    content = {
        'info': info,
        'licenses': [LICENCE],
        'categories': [{'id': number, 'name': name} for name, number in CLASSES.items()],
        'images': [picture['image'] for picture in drawn],
        'annotations': [{'id': i, **entry} for i, entry in enumerate(annotations, start=1)],
    }
    (root / f'annotations/instances_{split}.json').write_text(json.dumps(content))
