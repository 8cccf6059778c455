"""The command `mlgcn`: one module for each of its commands, imported when it is asked for."""

import argparse
import difflib
import importlib
import signal
import sys

import mlgcn

COMMANDS = {
    'train': 'train a model on the data of a config',
    'features': "store a frozen backbone's features, for mlgcn train --features",
    'find-lr': 'draw the loss over a growing learning rate',
    'compare': 'which head is best on your photographs, with evidence',
    'test': 'score a checkpoint: mAP, CF1, OF1 and their parts',
    'predict': 'name what is on photographs, in text, JSON, CSV or pictures',
    'serve': 'open a page to try a model in the browser',
    'calibrate': 'fit temperature and thresholds on the validation split',
    'visualize': 'draw attention, label graphs, chosen patches and edge ablation',
    'score': 'score a file of predictions under the protocols of many papers',
    'report': 'write one HTML page about the scores of one or more runs',
    'export': 'write a model as ONNX or torch.export file and verify it',
    'check': 'check images, labels and boxes of a data set',
    'convert': 'convert published weights or annotation lists, or ours to the published names',
    'publish': "write a checkpoint's weights and metadata without the training state",
    'describe': 'print what a checkpoint holds',
    'models': 'list the shipped models with their published results',
    'stats': 'count parameters and multiply-adds of configs',
    'graph': "count label pairs for ML-GCN's graph",
    'hide-labels': 'remove labels of a training set, as papers do',
    'benchmark': 'measure time and memory',
    'scenes': 'write the built-in data set',
}
PRINTERS = ('predict', 'describe', 'models', 'stats')


def main(command: str | None = None) -> None:
    """Run `command` with the arguments of the process; by default its first argument names it."""
    arguments = sys.argv[1:]
    if command is None:
        command = arguments.pop(0) if arguments else '--help'
    if command in ('-h', '--help'):
        print(overview())
        return
    if command not in COMMANDS:
        near = difflib.get_close_matches(command, COMMANDS, 1)
        hint = f'did you mean {near[0]}?' if near else f'expected one of {", ".join(COMMANDS)}'
        print(f'error: mlgcn has no command {command!r}; {hint}', file=sys.stderr)
        sys.exit(2)
    mlgcn.register()  # imports torch, which takes seconds: not for help or a mistyped command
    from .faults import run

    run(lambda: execute(command, arguments))


def overview() -> str:
    """What `mlgcn --help` prints."""
    lines = [f'  {name:11} {text}' for name, text in COMMANDS.items()]
    title = 'usage: mlgcn COMMAND ...   (mlgcn COMMAND --help: its options)'
    return '\n'.join([title, '', *lines])


def execute(command: str, arguments: list[str]) -> None:
    """Parse the arguments of one command, and run it."""
    from mlgcn.engine.work_dir import writes_to

    from .options import Parser

    if command in PRINTERS and hasattr(signal, 'SIGPIPE'):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends them in silence
    module = importlib.import_module(f'mlgcn.cli.{command.replace("-", "_")}')
    parser = Parser(
        prog=f'mlgcn {command}',
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_options(parser)
    args = parser.parse_intermixed_args(arguments)
    writes_to(getattr(args, 'out', None) or getattr(args, 'work_dir', None) or '.')
    module.main(args)
