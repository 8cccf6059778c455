"""What a run takes from a checkpoint is compared with its model; what its checkpoints state."""

import json
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator

from mlgcn.checkpoints import CheckpointError, fingerprint
from mlgcn.engine.model_hooks import MetadataHook, WeightsHook
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
