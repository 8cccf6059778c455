"""The command `mlgcn`: one module for each of its commands, imported when it is asked for."""

import argparse
import importlib
import inspect
import signal
import sys

import mlgcn
from mlgcn.messages import nearest

from . import data_options, model_options, training_options
from .options import Parser

COMMANDS = {
    name.replace('_', '-'): add_options
    for file in (training_options, model_options, data_options)
    for name, add_options in vars(file).items()
    if getattr(add_options, '__module__', None) == file.__name__
}
PRINTERS = ('predict', 'describe', 'models', 'stats', '-h', '--help')


def main(command: str | None = None) -> None:
    """Run `command` with the arguments of the process; by default its first argument names it."""
    arguments = sys.argv[1:]
    if command is None:
        command = arguments.pop(0) if arguments else '--help'
    if command in PRINTERS and hasattr(signal, 'SIGPIPE'):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends them in silence
    if command in ('-h', '--help'):
        print(overview())
        return
    if command not in COMMANDS:
        hint = nearest(command, COMMANDS) or f'; expected one of {", ".join(COMMANDS)}'
        print(f'error: mlgcn has no command {command!r}{hint}', file=sys.stderr)
        sys.exit(2)
    parser_of(command).parse_intermixed_args(arguments)  # help and mistyped options end here:
    mlgcn.register()  # this imports torch, which takes seconds
    from .faults import run

    run(lambda: execute(command, arguments))


def overview() -> str:
    """What `mlgcn --help` prints."""
    lines = [f'  {name:11} {f.__doc__.splitlines()[0]}' for name, f in COMMANDS.items()]
    title = 'usage: mlgcn COMMAND ...   (mlgcn COMMAND --help: its options)'
    return '\n'.join([title, '', *lines])


def parser_of(command: str) -> Parser:
    """The parser of a command's arguments."""
    add_options = COMMANDS[command]
    parser = Parser(
        prog=f'mlgcn {command}',
        description=inspect.getdoc(add_options),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    return parser


def execute(command: str, arguments: list[str]) -> None:
    """Parse the arguments of one command, and run it."""
    from mlgcn.checkpoints import trust_checkpoints
    from mlgcn.engine.config_values import Text
    from mlgcn.engine.work_dir import writes_to

    args = parser_of(command).parse_intermixed_args(arguments)
    if getattr(args, 'trust_checkpoint', False):
        trust_checkpoints()
    for name, value in vars(args).items():
        if isinstance(value, dict):  # KEY=VALUE; `read_config` decides what the texts mean
            setattr(args, name, {key: Text(text) for key, text in value.items()})
    writes_to(getattr(args, 'out', None) or getattr(args, 'work_dir', None) or '.')
    importlib.import_module(f'mlgcn.cli.{command.replace("-", "_")}').main(args)
