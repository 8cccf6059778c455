"""Options: values as the shell has them, wrong ones in one line."""

import pytest

from mlgcn.checkpoints import safe_load
from mlgcn.cli import execute, options
from mlgcn.engine.config_values import Text


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


def test_trust_takes_effect_before_a_command_runs(run, monkeypatch):
    monkeypatch.setattr(safe_load, '_trusting', False)
    run()
    assert not safe_load._trusting
    run('--trust-checkpoint')
    assert safe_load._trusting
