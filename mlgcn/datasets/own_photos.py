"""Own photographs: one data set type whose reader follows from what it is pointed at."""

import os
from pathlib import Path

from mlgcn.registry import DATASETS

from .base import MultiLabelPhotos
from .coco import CocoMultiLabel
from .csv_labels import CsvMultiLabel
from .voc import VOCMultiLabel

KINDS = """a COCO json, a CSV with the lines `file,label1|label2`, a list \
.../ImageSets/Main/NAME.txt of a VOC folder, or a folder that holds Annotations/ (VOC's XML)"""


@DATASETS.register_module(name='OwnPhotos')
def own_photos(ann_file: str, images: str = '', **kwargs) -> MultiLabelPhotos:
    """The data set of `ann_file`, whose kind its ending tells.

    * `*.json`: `CocoMultiLabel`. Images: for `annotations/instances_NAME.json` COCO's own folder
      `NAME/` beside `annotations/` where it exists, else the json's folder.
    * `*.csv`: `CsvMultiLabel`. Images: relative to the CSV's folder.
    * `ROOT/ImageSets/Main/NAME.txt`: `VOCMultiLabel` of that split. Images: `ROOT/JPEGImages`.
    * a folder with `Annotations/*.xml`: `VOCMultiLabel` of all its XML files. Images: as above.

    Args:
        ann_file: path as the shell has it, not relative to a data root.
        images: the folder of the images, where it is another one.
        kwargs: those of `MultiLabelPhotos`.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is none of the four kinds.
    """
    if not ann_file:
        raise ValueError(
            'own photographs: no annotation file given. Give '
            f'`--cfg-options own.train=PATH own.val=PATH`; each is {KINDS}'
        )
    path = Path(os.path.abspath(os.path.expanduser(ann_file)))
    if not path.exists():
        raise FileNotFoundError(f'own photographs: {path} not found; expected {KINDS}')
    if images:
        kwargs['data_prefix'] = os.path.abspath(os.path.expanduser(images))
    if path.suffix in ('.json', '.csv'):
        kind = CocoMultiLabel if path.suffix == '.json' else CsvMultiLabel
        folder = path.parent.parent / path.stem.removeprefix('instances_')
        is_coco_layout = path.parent.name == 'annotations' and folder.is_dir()
        kwargs.setdefault('data_prefix', str(folder if is_coco_layout else path.parent))
        return kind(ann_file=str(path), **kwargs)
    if path.suffix == '.txt' and path.parts[-3:-1] == ('ImageSets', 'Main'):
        return VOCMultiLabel(data_root=str(path.parents[2]), split=path.stem, **kwargs)
    if (path / 'Annotations').is_dir():
        return VOCMultiLabel(data_root=str(path), split='', **kwargs)
    raise ValueError(f'own photographs: {path} seen; expected {KINDS}')


def use_own_photos(cfg: dict) -> None:
    """Write `cfg['own']` (`train`, `val`, `test`, `images`) into the three data loaders, in place.

    Options given on the command line reach one key each; this lets `own.train=... own.val=...`
    reach every data set. Where `test` is empty, the test loader reads `val`. Configs without the
    key `own` are left as they are. Raises ValueError for another key in `own`.
    """
    own = cfg.get('own')
    if own is None:
        return
    keys = ('train', 'val', 'test', 'images')
    if set(own) != set(keys):
        raise ValueError(f'own: expected the keys {", ".join(keys)}, seen {", ".join(own)}')
    files = {'train': own['train'], 'val': own['val'], 'test': own['test'] or own['val']}
    for name, ann_file in files.items():
        cfg[f'{name}_dataloader']['dataset'].update(ann_file=ann_file, images=own['images'])
