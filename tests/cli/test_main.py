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


def answers(*words):
    """What commands of these arguments print in a process, which then names the slow modules."""
    code = """
import sys
sys.argv = ['mlgcn']  # by which the package knows that it is a command
from mlgcn.cli import main
for line in sys.stdin.read().splitlines():
    sys.argv = ['mlgcn', *line.split()]
    try:
        main()
    except SystemExit:
        pass
print(*{'torch', 'numpy', 'mmengine', 'rich', 'mlgcn.registry'} & {*sys.modules})
"""
    done = subprocess.run(
        [sys.executable, '-c', code], input='\n'.join(words), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *text, imported = done.stdout.splitlines()
    assert imported == '', 'imported before the arguments are parsed'
    return '\n'.join(text), done.stderr


def test_help_lists_every_command():
    assert re.findall(r'^  ([\w-]+) ', answers('--help')[0], re.MULTILINE) == list(COMMANDS)
    modules = {p.stem for p in (ROOT / 'mlgcn/cli').glob('*.py')}
    assert {name.replace('-', '_') for name in COMMANDS} <= modules


def test_every_command_has_help_without_importing_torch():
    text, _ = answers(*(f'{name} --help' for name in COMMANDS))
    assert re.findall(r'^usage: mlgcn ([\w-]+)', text, re.MULTILINE) == list(COMMANDS)


def test_mistyped_options_import_no_torch_either():
    words = (
        'train addgcn_scenes --sed 0 --cfg-options a=1',
        'predict a.pth b.jpg --top-k x',
        'trian',
    )
    lines = answers(*words)[1].splitlines()
    for line, fact in zip(lines, ("'--seed'", "'x'", "'train'"), strict=True):
        assert line.startswith('error: ') and fact in line


@pytest.mark.parametrize('word, near', [('trian', 'train'), ('calibrat', 'calibrate')])
def test_a_mistyped_command_names_the_nearest(mlgcn, word, near):
    answer = mlgcn(word)
    assert answer.status == 2 and word in answer.error and f"'{near}'?" in answer.error


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
