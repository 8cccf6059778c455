"""The command mlgcn: its overview, mistyped commands, and the old names under tools/."""

import re
import subprocess
import sys

import pytest
from tiny import ROOT

from mlgcn.cli import COMMANDS

DOORS = {
    'check_dataset': 'check',
    'convert_checkpoint': 'convert',
    'convert_lists': 'convert',
    'describe_checkpoint': 'describe',
    'make_scenes': 'scenes',
    'model_stats': 'stats',
    'publish_model': 'publish',
}


def test_help_lists_every_command_without_importing_torch():
    code = 'import sys; sys.argv = ["mlgcn", "--help"]; from mlgcn.cli import main; main()'
    code += '; assert "torch" not in sys.modules'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.findall(r'^  ([\w-]+) ', done.stdout, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_has_help(mlgcn, command):
    answer = mlgcn(command, '--help')
    assert answer.status == 0 and f'usage: mlgcn {command}' in answer.out


@pytest.mark.parametrize('word, near', [('trian', 'train'), ('calibrat', 'calibrate')])
def test_a_mistyped_command_names_the_nearest(mlgcn, word, near):
    answer = mlgcn(word)
    assert answer.status == 2 and word in answer.error and f'{near}?' in answer.error


def test_wrong_options_are_one_line(mlgcn):
    answer = mlgcn('stats', 'addgcn_scenes', '--num-clases', 3)
    assert answer.status == 2 and '--num-classes' in answer.error
    assert 'mlgcn stats --help' in answer.error


def test_old_names_are_doors_of_three_lines():
    doors = {path.stem: path.read_text() for path in (ROOT / 'tools').glob('*.py')}
    for name, text in doors.items():
        (command,) = re.findall(r"main\('(\w+)'\)", text)
        assert command == DOORS.get(name, name) and command in COMMANDS
        assert len(text.split('\n')) - text.count('\n\n') == 4
    assert {'train', 'test', *DOORS} <= doors.keys()
