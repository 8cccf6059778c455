"""What a library's constructor refuses is named by its place in the config."""

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from mlgcn.cli.faults import fail
from mlgcn.cli.refused_part import refused_part


def error_of(backbone):
    cfg = Config(dict(first=[dict(type='ResNet', depth=50)], model=dict(type='ImageClassifier')))
    cfg.model.backbone = dict(type='ResNet', **backbone)
    init_default_scope('mmpretrain')
    with pytest.raises(Exception) as caught:
        MODELS.build(cfg.model)
    return caught.value


@pytest.mark.parametrize('backbone, words', [
    (dict(depth=19), 'ResNet(depth=19): invalid depth 19 for resnet'),
    (dict(depth=18, out_indices=(9,)), 'out_indices=(9,)): assert max(out_indices)'),
    ({}, "missing 1 required positional argument: 'depth'"),
])  # fmt: skip
def test_key_class_and_values_in_one_line(capsys, backbone, words):
    assert fail(error_of(backbone)) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: model.backbone: ResNet(') and words in error.splitlines()[0]


def test_what_no_constructor_raised():
    with pytest.raises(ValueError) as caught:
        int('a')
    assert refused_part(caught.value) == ''
