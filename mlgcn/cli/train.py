"""Train the model of a config: mlgcn train CONFIG --seed 0."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from mmengine.dist import is_main_process

from mlgcn.engine.config_values import check_seed
from mlgcn.engine.console import best_checkpoint, next_steps
from mlgcn.engine.launch import resume_after_restart
from mlgcn.engine.resume import choose_checkpoint
from mlgcn.engine.runner import build_runner
from mlgcn.engine.work_dir import check_room, claim, refuse_finished
from mlgcn.messages import nearest

from . import arguments, training_options
from .options import Parser


def main(args: argparse.Namespace) -> Path | None:
    cfg = arguments.load_run(args)
    check_seed(args.seed, '--seed')
    if args.seed is not None:
        cfg.randomness = dict(seed=args.seed, deterministic=True)
    if args.features:
        cfg.features = dict(folder=args.features)
    claim(cfg.work_dir)
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume

    runner = build_runner(cfg)
    check_room(runner)
    resume_after_restart(runner)
    if not args.force:
        refuse_finished(runner)
    choose_checkpoint(runner)
    with arguments.progress(args, runner):
        runner.train()
    checkpoint = best_checkpoint(runner)
    if checkpoint and is_main_process():
        print(next_steps(checkpoint, args.config, args.cfg_options or {}))
    return checkpoint


def train(config: str | Path, **options_: object) -> Path | None:
    """`mlgcn.train`: what `mlgcn train CONFIG` does, with the same checks.

    Args:
        config: config file, or the name of a shipped one.
        options_: the command's, such as work_dir='...', seed=0, resume='auto', force=True,
            cfg_options={'train_cfg.max_epochs': 3}.

    Returns:
        the best checkpoint by validation, else the last one; None where none was saved.

    Raises:
        ConfigError, ValueError, OSError: as the command says it.
        TypeError: an option that the command lacks, or a value of another kind than its.
    """
    parser = Parser()
    training_options.train(parser)
    args = parser.parse_args([str(config)])
    numbers = {action.dest for action in parser._actions if action.type is int}
    for name, value in options_.items():
        if not hasattr(args, name):
            hint = nearest(name, vars(args)) or '; keys of the config go into cfg_options={...}'
            raise TypeError(f'train has no option {name!r}{hint}')
        if name in numbers and not isinstance(value, int):
            raise TypeError(f'{name} is {value!r}, expected a whole number')
        if name == 'cfg_options' and not isinstance(value, Mapping):
            raise TypeError(f"cfg_options is {value!r}, expected a dict {{'key.of.it': value}}")
        setattr(args, name, value)
    return main(args)
