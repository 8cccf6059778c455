"""Options that several commands share, each defined once; no torch, see `training_options`."""

import argparse
import sys

from mlgcn.messages import nearest

KEYS = {  # options that other libraries have
    '--epochs': 'train_cfg.max_epochs',
    '--batch-size': 'train_dataloader.batch_size',
    '--lr': 'optim_wrapper.optimizer.lr',
}
WEIGHTS = ('.pth', '.pth.tar', '.safetensors')  # endings of checkpoints


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all failures do."""

    def error(self, message: str) -> None:
        wrong = message.partition('unrecognized arguments: ')[2].split() or ['']
        hint = nearest(wrong[0], self._option_string_actions)
        if wrong[0] in KEYS and '--cfg-options' in self._option_string_actions:
            hint = f'; it is a key of the config: --cfg-options {KEYS[wrong[0]]}=...'
        if message.endswith('are required: checkpoint'):
            given = next((word for word in sys.argv[1:] if word.endswith(WEIGHTS)), '')
            seen = f'{given} is a checkpoint, its config is missing' if given else 'CKPT is missing'
            message = f'expected CONFIG CKPT; {seen}'
        self.exit(2, f'error: {message}{hint or ";"} {self.prog} --help lists the options\n')


class KeyValue(argparse.Action):
    """`--cfg-options KEY=VALUE ...` to {KEY: VALUE}."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        options = dict(getattr(namespace, self.dest) or {})
        option_string = option_string or self.dest
        for word in values:
            key, equals, text = word.partition('=')
            if not (equals and key.strip()):
                expected = 'KEY=VALUE, without spaces around the =; quote values with spaces'
                parser.error(f'{option_string} {word!r}: expected {expected}')
            if key in options and options[key] != text:
                parser.error(f'{option_string} {key}: given twice, {options[key]!r} and {text!r}')
            options[key] = text
        setattr(namespace, self.dest, options)


OPTIONS = {
    'config': dict(help='config file, or the name of a shipped one, e.g. addgcn_coco_448'),
    'model': dict(
        nargs='+', metavar='[CONFIG] CKPT',
        help="CONFIG: a file or a shipped config's name; not needed for mlgcn's own checkpoints",
    ),
    '--work-dir': dict(help='where logs and checkpoints go (work_dirs/CONFIG)'),
    '--amp': dict(action='store_true', help='automatic mixed precision'),
    '--seed': dict(type=int, help='of everything random'),
    '--cfg-options': dict(
        nargs='+', action=KeyValue, default={}, metavar='KEY=VALUE',
        help="override keys of the config, e.g. train_dataloader.batch_size=8 or 'a.b=[1,2]'",
    ),
    '--launcher': dict(
        choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='see dist_*.sh'
    ),
    '--local-rank': dict(type=int, default=0, help=argparse.SUPPRESS),
    '--trust-checkpoint': dict(
        action='store_true',
        help='run the code in checkpoints that the allow-list refuses: only for files of people '
        'whom you trust with everything on this machine',
    ),
    '--device': dict(help='e.g. cpu or cuda:1 (a GPU where there is one)'),
    '--threshold': dict(
        type=float,
        help="labels from this probability on, all classes (the checkpoint's thresholds, or 0.5)",
    ),
    '--known': dict(nargs='+', metavar='LABEL', help='labels known to be there (C-Tran)'),
    '--absent': dict(nargs='+', metavar='LABEL', help='labels known not to be there (C-Tran)'),
    '--tta': dict(action='store_true', help='average the logits of picture and mirror image'),
    '--top-k': dict(type=int, metavar='K', help='the K most probable labels'),
    '--verbose': dict(action='store_true', help="print mmengine's whole log"),
    '--quiet': dict(action='store_true', help='print warnings, errors and results alone'),
    '--out': dict(metavar='PATH'),
    '--force': dict(action='store_true', help='overwrite an existing file'),
}  # fmt: skip
RUN = ('config', '--work-dir', '--amp', '--cfg-options', '--launcher', '--local-rank',
       '--trust-checkpoint', '--verbose', '--quiet')  # fmt: skip
MODEL = ('model', '--cfg-options', '--trust-checkpoint')


def add(parser: argparse._ActionsContainer, *names: str, **changes: object) -> None:
    """Add shared options by name; `changes` (such as another `help`) go to all of them."""
    for name in names:
        parser.add_argument(name, **{**OPTIONS[name], **changes})


def pixel(text: str) -> tuple[int, int]:
    """`X,Y` of the command line."""
    x, y = text.split(',')
    return int(x), int(y)
