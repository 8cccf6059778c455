"""Weights that are loaded, metadata that is written, classes without images, images left out."""

import json
import logging
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import ClassBalancedDataset
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from PIL import Image
from torch.utils.data import DataLoader

from mlgcn.checkpoints import CheckpointError, fingerprint
from mlgcn.datasets import CsvMultiLabel
from mlgcn.engine.hooks import MetadataHook, SkippedImagesHook, WeightsHook
from mlgcn.evaluation.metric import MultiLabelScores
from mlgcn.models.heads import LinearHead


@pytest.fixture
def runner():
    cfg = Config(
        dict(
            data_preprocessor=dict(mean=[1, 2, 3], std=[4, 5, 6], to_rgb=True),
            test_dataloader=dict(
                dataset=dict(
                    pipeline=[
                        dict(type='LoadImageFromFile'),
                        dict(type='Resize', scale=(64, 48)),
                        dict(type='PackInputs'),
                    ]
                )
            ),
        )
    )
    evaluator = Evaluator(MultiLabelScores(protocol='gkgnet'))
    return SimpleNamespace(
        cfg=cfg,
        iter=12,
        val_loop=SimpleNamespace(evaluator=evaluator),
        val_dataloader=SimpleNamespace(dataset=range(5)),
    )


def checkpoint(iteration):
    meta = dict(epoch=2, iter=iteration, dataset_meta=dict(classes=('a', 'b')))
    return dict(meta=meta, state_dict={'w': torch.ones(2)})


def test_what_metadata_says(runner):
    hook, saved = MetadataHook(licence='Free.'), checkpoint(12)
    hook.after_val_epoch(runner, dict(mAP=50))
    hook.before_save_checkpoint(runner, saved)
    metadata = saved['meta']['mlgcn_metadata']
    assert metadata['classes'] == ['a', 'b']
    assert metadata['input_size'] == [48, 64]
    assert metadata['normalisation'] == dict(mean=[1, 2, 3], std=[4, 5, 6], to_rgb=True)
    assert metadata['metrics'] == dict(iter=12, protocol='gkgnet', images=5, values=dict(mAP=50.0))
    assert metadata['sha256'] == fingerprint(saved['state_dict'])
    assert json.loads(metadata['config'])['data_preprocessor']['std'] == [4, 5, 6]
    assert metadata['licence'] == 'Free.' and metadata['mlgcn']
    json.dumps(metadata)  # plain values alone


def test_scores_of_other_weights_stay_out(runner):
    hook, later = MetadataHook(), checkpoint(18)
    hook.after_val_epoch(runner, dict(mAP=50))
    hook.before_save_checkpoint(runner, later)
    assert later['meta']['mlgcn_metadata']['metrics'] is None


def run(resume):
    model = torch.nn.Sequential()
    model.head = LinearHead(2, 3)
    return SimpleNamespace(model=model, _resume=resume, _load_from='w.pth')


def saved(model, classes=('a', 'b')):
    meta = dict(dataset_meta=dict(classes=classes))
    return dict(meta=meta, state_dict={k: v + 1 for k, v in model.state_dict().items()})


def test_resume_takes_all_or_nothing():
    runner, hook = run(resume=True), WeightsHook(('a', 'b'))
    checkpoint = saved(runner.model)
    weights = dict(checkpoint['state_dict'])
    hook.after_load_checkpoint(runner, checkpoint)
    assert checkpoint['state_dict'] == weights
    with pytest.raises(CheckpointError, match="w.pth.*class 0 is 'b' there, 'a' here"):
        hook.after_load_checkpoint(runner, saved(runner.model, ('b', 'a')))
    del checkpoint['state_dict']['head.fc.bias']
    with pytest.raises(CheckpointError, match='w.pth does not fit .*head.fc.bias'):
        hook.after_load_checkpoint(runner, checkpoint)


def test_load_from_moves_rows():
    runner = run(resume=False)
    checkpoint = saved(runner.model, ('b', 'c'))
    expected = checkpoint['state_dict']['head.fc.bias'][0]
    WeightsHook(('a', 'b')).after_load_checkpoint(runner, checkpoint)
    own = runner.model.head.fc.bias[0]
    assert checkpoint['state_dict']['head.fc.bias'].tolist() == [own.item(), expected.item()]


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
