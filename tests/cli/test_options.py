"""Options: values as the shell has them, wrong ones in one line, names as the rooms have them."""

import pytest

from mlgcn.apis import candidates
from mlgcn.checkpoints import safe_load, tables
from mlgcn.cli import COMMANDS, execute, options, parser_of
from mlgcn.datasets.hidden_labels import RULES
from mlgcn.datasets.scenes import make_scenes
from mlgcn.engine.config_values import Text
from mlgcn.evaluation import METRIC_NAMES, PROTOCOLS
from mlgcn.evaluation.published import EVALUATORS
from mlgcn.export.files import FORMATS


def parsed(*words):
    parser = options.Parser()
    options.add(parser, '--cfg-options', '--trust-checkpoint', '--top-k')
    return parser.parse_args(words)


@pytest.fixture
def run(monkeypatch):
    """Run a command that only keeps its arguments: they are returned."""
    seen = []
    monkeypatch.setattr('mlgcn.cli.predict.main', seen.append)

    def execute_(*words):
        execute('predict', ['a.pth', 'b.jpg', *words])
        return seen[-1]

    return execute_


def test_values_of_config_keys_are_the_shells_text(run):
    given = run('--cfg-options', 'a.b=1', 'c=x=y', '--cfg-options', 'd=').cfg_options
    assert given == {'a.b': '1', 'c': 'x=y', 'd': ''}
    assert all(type(value) is Text for value in given.values())


@pytest.mark.parametrize('words, facts', [
    (['--cfg-options', 'a', '=', '1'], ["'a'", 'KEY=VALUE']),
    (['--cfg-options', '=1'], ["'=1'", 'KEY=VALUE']),
    (['--cfg-options', 'a=1', 'a=2'], ['a:', 'twice', "'1'", "'2'"]),
    (['--top-kk', '3'], ['--top-kk', '--top-k', '--help']),
    (['--top-k', 'x'], ['--top-k', "'x'"]),
])  # fmt: skip
def test_wrong_options(words, facts, capsys):
    with pytest.raises(SystemExit) as end:
        parsed(*words)
    (line,) = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and line.startswith('error: ')
    assert all(fact in line for fact in facts), line


@pytest.mark.parametrize('word, fact', [
    ('w.pth', 'w.pth is a checkpoint, its config is missing'), ('a.py', 'CKPT is missing'),
])  # fmt: skip
def test_a_config_and_a_checkpoint_are_expected(word, fact, capsys, monkeypatch):
    monkeypatch.setattr('sys.argv', ['mlgcn', 'test', word])
    with pytest.raises(SystemExit):
        parser_of('test').parse_intermixed_args([word])
    assert f'expected CONFIG CKPT; {fact}' in capsys.readouterr().err


def test_trust_takes_effect_before_a_command_runs(run, monkeypatch):
    monkeypatch.setattr(safe_load, '_trusting', False)
    run()
    assert not safe_load._trusting
    run('--trust-checkpoint')
    assert safe_load._trusting


@pytest.mark.parametrize('command, option, names', [
    ('test', '--metrics', [*METRIC_NAMES, 'all']),
    ('test', '--protocol', [*PROTOCOLS, *EVALUATORS]),
    ('score', '--protocol', ['all', *PROTOCOLS, *EVALUATORS]),
    ('report', '--protocol', PROTOCOLS),
    ('convert', '--from', ['auto', *tables.SYSTEMS, *tables.HEADS]),
    ('convert', '--to', ['addgcn', 'gkgnet', *tables.HEADS]),
    ('export', '--format', FORMATS),
    ('hide-labels', 'rule', RULES),
])  # fmt: skip
def test_choices_are_those_of_the_rooms(command, option, names):
    """They stand twice, because those rooms import torch."""
    actions = parser_of(command)._actions
    (action,) = (a for a in actions if option in (*a.option_strings, a.dest))
    assert list(action.choices) == list(names)


def test_defaults_and_help_are_those_of_the_rooms():
    assert parser_of('compare').get_default('heads') == candidates.HEADS
    given = parser_of('scenes').parse_args([])
    assert (given.seed, given.train, given.val, given.size) == make_scenes.__defaults__
    for name, rule in RULES.items():
        amounts = ' '.join(f'{amount}={value:g}' for amount, value in rule.amounts.items())
        text = f'{name:8} {amounts:24} {rule.words}'
        assert ' '.join(text.split()) in ' '.join(COMMANDS['hide-labels'].__doc__.split())


def test_options_of_other_libraries_are_keys_of_the_config(mlgcn):
    answer = mlgcn('train', 'addgcn_scenes', '--epochs', 3)
    assert answer.status == 2 and '--cfg-options train_cfg.max_epochs=...' in answer.error
