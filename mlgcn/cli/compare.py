"""Which head is best on these photographs? Trained, measured and answered in minutes.

mlgcn compare own.train=photos/train.csv own.val=photos/val.csv --out compared

A frozen backbone's features are stored once (mlgcn features). Every head trains on them by its
shipped recipe, with every seed, on all folds but one of the training photographs; the pick is the
head with the best scores on the folds. Then all train on the whole and are scored once on own.val.
A killed command goes on. Photographs of one occasion stay in one fold: own.group=folder, or
own.group=COLUMN of a CSV; without it, those that look alike.
"""

import argparse
import hashlib
import itertools
import json
import multiprocessing
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.logging import MMLogger
from rich.console import Console
from rich.progress import Progress, TimeRemainingColumn
from rich.table import Table

from mlgcn.apis.head_runs import HeadRun, feature_runner, images_per_second, read_runs
from mlgcn.apis.shipped_configs import find_config
from mlgcn.checkpoints import load, save_weights
from mlgcn.engine.config import ConfigError, build_dataset, read_config
from mlgcn.evaluation import ScoresFile, calibrate
from mlgcn.evaluation.comparison import ComparedScores, compare_scores
from mlgcn.evaluation.folds import group_folds, numbered, share_of_groups, similar_groups
from mlgcn.features import FeatureStore, extract_features
from mlgcn.visualization.page import write_page
from mlgcn.visualization.report import write_report

from . import options
from .features import listed_images

HEADS = (
    'linear', 'pooled', 'addgcn', 'gkgnet', 'csra', 'ml_gcn', 'ml_decoder', 'query2label', 'ctran'
)  # fmt: skip
SHARES = (0.25, 0.5)  # of the training photographs; all of them are trained on anyway


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('data', nargs='+', action=options.KeyValue, default={}, metavar='own.KEY=VALUE',
        help='own.train=LIST own.val=LIST [own.images=DIR] [own.group=folder or COLUMN]')  # fmt: skip
    add('--heads', nargs='+', default=HEADS, metavar='HEAD',
        help=f'of {" ".join(HEADS)}, or configs on one frozen backbone')  # fmt: skip
    add('--sizes', nargs='+', type=int, default=[320], metavar='PIXELS', help='of images (320)')
    add('--losses', nargs='+', default=['recipe'], metavar='LOSS',
        help="classes of losses, such as AsymmetricLoss ('recipe': the config's)")  # fmt: skip
    add('--seeds', type=int, default=3, metavar='N', help='trainings of each (3)')
    add('--folds', type=int, default=5, metavar='N', help='of the training photographs (5)')
    add('--objective', default='f1', help='of the thresholds, see mlgcn calibrate (f1)')
    add('--workers', type=int, default=os.cpu_count(), metavar='N', help='trainings at a time')
    options.add(parser, '--out', default='compared', metavar='DIR', help='(compared)')
    options.add(parser, '--cfg-options')


@dataclass(frozen=True)
class Candidate:
    """A head's recipe at one size of images, with one loss."""

    head: str
    size: int
    loss: str
    options: tuple[tuple[str, Any], ...]  # `--cfg-options`

    @property
    def name(self) -> str:
        """Of tables and files."""
        loss = '' if self.loss == 'recipe' else f' {self.loss}'
        return f'{Path(self.head).stem} {self.size}{loss}'

    @property
    def config(self) -> Path:
        """The config's file."""
        return find_config(f'own_{self.head}' if self.head in HEADS else self.head)

    def cfg(self) -> Config:
        """The config that `mlgcn train` would read."""
        return read_config(self.config, dict(self.options))


class Comparison:
    """The whole of it: features, groups, trainings, numbers, the pick.

    Args:
        args: the command line.

    Raises:
        ConfigError, ValueError, FileNotFoundError: data, heads or configs that do not work.
    """

    def __init__(self, args: argparse.Namespace):
        self.args, self.out = args, Path(args.out)
        given = {**args.data, **args.cfg_options}
        if not (given.get('own.train') and given.get('own.val')):
            raise ConfigError('expected own.train=LIST own.val=LIST')
        least = {'--seeds': (args.seeds, 1), '--folds': (args.folds, 2)}
        for name, (value, smallest) in least.items():
            if value < smallest:
                raise ConfigError(f'{name} is {value}, expected at least {smallest}')
        self.candidates = [
            Candidate(head, size, loss, tuple(self._options(given, size, loss).items()))
            for head, size, loss in itertools.product(args.heads, args.sizes, args.losses)
        ]
        self.cfgs = {c: c.cfg() for c in self.candidates}

    def _options(self, given: dict, size: int, loss: str) -> dict[str, Any]:
        changed = {} if loss == 'recipe' else {'model.head.loss': dict(type=f'mlgcn.{loss}')}
        return {**given, 'own.size': size, **changed}

    def store_features(self) -> None:
        """The maps that the heads read, of every size."""
        self.stores = {}
        for size in self.args.sizes:
            cfgs = [cfg for c, cfg in self.cfgs.items() if c.size == size]
            stages = sorted({i for cfg in cfgs for i in cfg.model.backbone.out_indices})
            cfg = Config(cfgs[0].to_dict())
            cfg.model.backbone.out_indices = tuple(stages)
            folder = self.out / f'features_{size}'
            paths = listed_images(cfg)
            extract_features(cfg, paths, folder)
            self.stores[size] = FeatureStore(folder)
            text = (folder / 'features.json').read_bytes()
            self.digest = hashlib.sha256(text).hexdigest()
        cfg = Config(self.cfgs[self.candidates[0]].to_dict())
        train, val = (build_dataset(cfg, f'{split}_dataloader') for split in ('train', 'val'))
        self.classes = train.metainfo['classes']
        self.groups, self.val_groups = (
            groups_of(dataset, cfg.own.get('group', ''), store := self.stores[self.args.sizes[0]])
            for dataset in (train, val)
        )

    def run(self, candidate: Candidate, seed: int, part: str, train, held_out) -> HeadRun:
        """One training, whose file's name says everything that it depends on."""
        text = json.dumps(self.cfgs[candidate].to_dict(), default=str, sort_keys=True)
        text += f'{self.digest}{train}{held_out}'
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        name = f'{candidate.name}_seed{seed}_{part}_{digest}.npz'.replace(' ', '_')
        return HeadRun(
            str(candidate.config), dict(candidate.options), str(self.stores[candidate.size].folder),
            seed, train, held_out, self.out / 'runs' / name,
        )  # fmt: skip

    def folds(self, candidate: Candidate, seed: int) -> list[HeadRun]:
        """The trainings of one seed inside the training split; seeds have folds of their own."""
        fold, runs = group_folds(self.groups, self.args.folds, seed), []
        for k in range(self.args.folds):
            parts = (tuple(np.flatnonzero(fold != k).tolist()), tuple(np.flatnonzero(fold == k).tolist()))
            runs.append(self.run(candidate, seed, f'fold{k}', *parts))
        return runs

    def final(self, candidate: Candidate, seed: int) -> HeadRun:
        """On the whole training split, scored on own.val."""
        return self.run(candidate, seed, 'all', None, None)

    def part(self, candidate: Candidate, seed: int, share: float) -> HeadRun:
        """On a share of the training split, scored on own.val."""
        chosen = share_of_groups(self.groups, share, seed)
        return self.run(candidate, seed, f'share{share}', tuple(chosen.tolist()), None)

    def train(self, runs: Sequence[HeadRun], title: str) -> None:
        """Run what is not there yet, several at a time."""
        todo = [run for run in runs if not run.out.exists()]
        (self.out / 'runs').mkdir(exist_ok=True)
        columns = (*Progress.get_default_columns()[:-1], TimeRemainingColumn(elapsed_when_finished=True))
        context = multiprocessing.get_context('spawn')
        with (
            ProcessPoolExecutor(self.args.workers, context, start_worker) as pool,
            Progress(*columns) as progress,
        ):
            task = progress.add_task(f'{title}: {len(todo)} trainings', total=len(todo))
            futures = {pool.submit(run): run for run in todo}
            for future in as_completed(futures):
                error = future.exception()
                if error is not None:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise ConfigError(f'{futures[future].out.stem}: {error}') from error
                progress.advance(task)

    def held_out_logits(self, candidate: Candidate, seed: int) -> ScoresFile:
        """Scores of the training photographs by models that did not see them."""
        runs = self.folds(candidate, seed)
        files, _ = read_runs(runs)
        order = np.argsort(np.concatenate([run.held_out for run in runs]))
        names, scores, targets = (
            np.concatenate([getattr(file, key) for file in files])[order]
            for key in ('file_names', 'scores', 'targets')
        )
        return replace(files[0], file_names=names, scores=scores, targets=targets)

    def compared(self, files: dict[str, list[ScoresFile]], groups: np.ndarray) -> ComparedScores:
        """The numbers of all candidates on one set of photographs."""
        first = next(iter(files.values()))[0]
        logits = {name: [file.scores for file in each] for name, each in files.items()}
        return compare_scores(logits, first.targets, groups, first.protocol)


def groups_of(dataset, group: str, store: FeatureStore) -> np.ndarray:
    """The occasion of each photograph of a data set, (N,) numbers from 0 on."""
    paths = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    if group == 'folder':
        return numbered([os.path.dirname(path) for path in paths])
    if group:
        return numbered([dataset.get_data_info(i)['group'] for i in range(len(dataset))])
    rows = list(store.rows(paths).values())
    last = list(store.maps.values())[-1]
    return similar_groups(np.stack([last[row, 0].mean((1, 2), dtype=np.float32) for row in rows]))


def start_worker() -> None:
    """A worker process: registries, and no warnings about loaders that go without a GPU."""
    import mlgcn

    warnings.simplefilter('ignore')
    mlgcn.register()
