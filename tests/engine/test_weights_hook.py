"""What a run takes from a checkpoint is compared with its model and classes first."""

from types import SimpleNamespace

import pytest
import torch

from mlgcn.checkpoints import CheckpointError
from mlgcn.engine.weights_hook import WeightsHook
from mlgcn.models.heads import LinearHead


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
