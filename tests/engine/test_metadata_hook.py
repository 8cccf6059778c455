"""Metadata of the checkpoints that a run saves."""

import json
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator

from mlgcn.checkpoints import fingerprint
from mlgcn.engine.metadata_hook import MetadataHook
from mlgcn.evaluation.metric import MultiLabelScores


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
