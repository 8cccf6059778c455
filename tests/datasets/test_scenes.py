"""The built-in data set: COCO layout, determinism, honest annotations, refusals."""

from pathlib import Path

import pytest
from mmengine.config import Config
from PIL import Image
from pycocotools.coco import COCO

from mlgcn.datasets.scene_picture import CLASSES, MIN_PIXELS
from mlgcn.datasets.scenes import TABLE, draw_one, make_scenes
from mlgcn.registry import DATASETS

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/_base_/datasets/scenes.py'
FEW = {'num_train': 6, 'num_val': 3, 'size': (96, 64)}


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    root = tmp_path_factory.mktemp('data') / 'scenes'
    assert make_scenes(root, **FEW)
    return root


def test_coco_layout(scenes):
    ids = set()
    for split, number in (('train', 6), ('val', 3)):
        coco = COCO(scenes / f'annotations/instances_{split}.json')
        assert len(coco.imgs) == number
        assert {cat['name'] for cat in coco.cats.values()} == set(CLASSES)
        assert coco.getCatIds(['person']) == [1] and coco.getCatIds(['keyboard']) == [76]
        assert not ids & set(coco.imgs)
        ids |= set(coco.imgs)
        for image in coco.imgs.values():
            with Image.open(scenes / split / image['file_name']) as picture:
                assert picture.size == (image['width'], image['height']) == (96, 64)
        for ann in coco.anns.values():
            left, top, width, height = ann['bbox']
            assert left >= 0 and top >= 0 and left + width <= 96 and top + height <= 64
            assert MIN_PIXELS <= ann['area'] <= width * height and ann['iscrowd'] == 0


def test_the_data_config_reads_them(scenes, monkeypatch):
    monkeypatch.setenv('MLGCN_DATA', str(scenes.parent))
    config = Config.fromfile(CONFIG)
    for loader, number in ((config.train_dataloader, 6), (config.val_dataloader, 3)):
        dataset = DATASETS.build(loader.dataset)
        assert len(dataset) == number
        assert set(dataset.metainfo['classes']) == set(CLASSES)
        assert dataset[0]['inputs'].shape == (3, 96, 96)


def test_same_arguments_same_files(scenes, tmp_path):
    make_scenes(tmp_path / 'again', **FEW)
    for path in scenes.rglob('*.*'):
        assert path.read_bytes() == (tmp_path / 'again' / path.relative_to(scenes)).read_bytes()


def test_a_picture_depends_on_seed_split_and_index_alone(scenes, tmp_path):
    for split in ('train', 'val'):
        (tmp_path / split).mkdir()
        drawn = draw_one(2, seed=0, split=split, size=(96, 64), root=tmp_path)
        name = f'{split}/{drawn["image"]["file_name"]}'
        assert (tmp_path / name).read_bytes() == (scenes / name).read_bytes()
    other = draw_one(2, seed=1, split='val', size=(96, 64), root=tmp_path)
    assert other['image'] == drawn['image']
    assert (tmp_path / name).read_bytes() != (scenes / name).read_bytes()


def test_folder_with_something_else_is_refused(scenes, tmp_path):
    assert make_scenes(scenes, **FEW) is False
    with pytest.raises(FileExistsError, match='holds something else'):
        make_scenes(scenes, seed=1, **FEW)
    (tmp_path / 'mine.txt').write_text('mine')
    with pytest.raises(FileExistsError, match='another folder'):
        make_scenes(tmp_path, **FEW)
    assert [path.name for path in tmp_path.iterdir()] == ['mine.txt']


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [({'size': (96, 32)}, '96 x 32'), ({'num_val': 0}, 'num_val'), ({'seed': -1}, 'seed')],
)
def test_values_out_of_range(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        make_scenes(tmp_path / 'scenes', **wrong)
    assert not (tmp_path / 'scenes').exists()


def test_table_holds_cocos_label_sets():
    table = TABLE
    assert set(table['classes']) == set(CLASSES) and len(CLASSES) >= 12
    assert 'CC BY 4.0' in table['credit']
    counts = {tuple(labels): count for count, labels in table['sets']}
    assert len(counts) == len(table['sets'])
    person, ball, racket, mouse, keyboard = (
        table['classes'][name]
        for name in ('person', 'sports ball', 'tennis racket', 'mouse', 'keyboard')
    )

    def images(*labels):
        return sum(count for row, count in counts.items() if set(labels) <= set(row))

    # what makes label dependencies worth learning: a racket comes with a person, a mouse mostly
    # with a keyboard, and hardly ever with a racket
    assert images(racket, person) > 0.95 * images(racket)
    assert images(mouse, keyboard) > 0.5 * images(mouse)
    assert images(mouse, racket) == 0 < images(ball, racket)
