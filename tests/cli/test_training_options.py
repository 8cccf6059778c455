"""Options of the commands that train and score: names of the rooms, and what is missing."""

import pytest

from cli.choices import choices
from mlgcn.apis import candidates
from mlgcn.cli import parser_of
from mlgcn.evaluation import METRIC_NAMES, PROTOCOLS
from mlgcn.evaluation.published import EVALUATORS


def test_metrics_and_protocols():
    assert choices('test', '--metrics') == [*METRIC_NAMES, 'all']
    assert choices('test', '--protocol') == [*PROTOCOLS, *EVALUATORS]
    assert choices('score', '--protocol') == ['all', *PROTOCOLS, *EVALUATORS]
    assert choices('report', '--protocol') == list(PROTOCOLS)


def test_all_heads_are_compared():
    assert parser_of('compare').get_default('heads') == candidates.HEADS


@pytest.mark.parametrize('word, fact', [
    ('w.pth', 'w.pth is a checkpoint, its config is missing'), ('a.py', 'CKPT is missing'),
])  # fmt: skip
def test_a_config_and_a_checkpoint_are_expected(word, fact, capsys, monkeypatch):
    monkeypatch.setattr('sys.argv', ['mlgcn', 'test', word])
    with pytest.raises(SystemExit):
        parser_of('test').parse_intermixed_args([word])
    assert f'expected CONFIG CKPT; {fact}' in capsys.readouterr().err


def test_options_of_other_libraries_are_keys_of_the_config(mlgcn):
    answer = mlgcn('train', 'addgcn_scenes', '--epochs', 3)
    assert answer.status == 2 and '--cfg-options train_cfg.max_epochs=...' in answer.error
