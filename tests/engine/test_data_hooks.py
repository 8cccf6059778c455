"""Hooks about the data: classes without images are named, and images that were left out."""

import logging
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.dataset import ClassBalancedDataset
from mmengine.logging import MMLogger
from PIL import Image
from torch.utils.data import DataLoader

from mlgcn.datasets import CsvMultiLabel
from mlgcn.engine.data_hooks import SkippedImagesHook

PIPELINE = [{'type': 'mlgcn.LoadImage'}, {'type': 'mmpretrain.PackInputs'}]


@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture
def photos(tmp_path):
    """A function that reads six photographs, of which 1.jpg is empty from the start."""
    for i in range(6):
        Image.new('RGB', (48, 32), (i, 9, 9)).save(tmp_path / f'{i}.jpg')
    (tmp_path / '1.jpg').write_bytes(b'')
    (tmp_path / 'labels.csv').write_text(''.join(f'{i}.jpg,a\n' for i in range(6)))
    return CsvMultiLabel(
        'labels.csv', data_root=str(tmp_path), pipeline=PIPELINE, bad_images='skip'
    )


@pytest.mark.parametrize('workers', [0, 2])
def test_what_was_left_out_is_listed_at_the_end(photos, log, workers):
    """Those of the start and those that vanish between epochs, seen by other processes."""
    dataset = ClassBalancedDataset(photos, oversample_thr=0.01)
    loader = DataLoader(
        dataset,
        batch_size=2,
        num_workers=workers,
        collate_fn=collate,
        persistent_workers=workers > 0,
    )
    loop = SimpleNamespace(dataloader=loader)
    runner = SimpleNamespace(_train_loop=loop, _val_loop=None, _test_loop={'type': 'TestLoop'})
    hook = SkippedImagesHook()
    taken = []
    for epoch in range(2):
        for i, batch in enumerate(loader):
            hook.after_train_iter(runner, i, batch, {})
            taken += [os.path.basename(sample.img_path)[0] for sample in batch['data_samples']]
        if not epoch:
            os.unlink(f'{photos.data_root}/3.jpg')
    assert ''.join(taken) == '02345' + '02445'
    hook.after_run(runner)
    (record,) = log.records
    assert record.levelno == logging.WARNING
    lines = record.getMessage().splitlines()
    assert lines[0] == '2 images could not be read and were left out:'
    assert lines[1].endswith('1.jpg (empty file)')
    assert lines[2].endswith('3.jpg (No such file)')


def test_nothing_to_tell(log):
    loops = SimpleNamespace(_train_loop=None, _val_loop=None, _test_loop=None)
    SkippedImagesHook().after_run(loops)
    assert not log.records


def test_classes_without_images_are_said_before_training(photos, log):
    Path(photos.data_root, 'empty.csv').write_text('0.jpg,\n')
    loops = {}
    for name, file in (('train', 'labels.csv'), ('val', 'empty.csv')):
        wanted = dict(data_root=photos.data_root, classes=['a', 'b'], check_images=False)
        loader = SimpleNamespace(dataset=CsvMultiLabel(file, **wanted))
        loops[f'_{name}_loop'] = SimpleNamespace(dataloader=loader)
    SkippedImagesHook().before_train(SimpleNamespace(**loops))
    assert 'train: no image of 1 of 2 classes: b' in log.text
    assert 'val: no image has a label' in log.text


def collate(samples):
    return {'data_samples': [sample['data_samples'] for sample in samples]}
