"""Heads compared on one frozen backbone: features, folds, trainings, numbers."""

import hashlib
import itertools
import json
import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub.errors import LocalEntryNotFoundError
from mmengine.config import Config
from torch.utils.data import Dataset

from mlgcn.engine import console
from mlgcn.engine.config import ConfigError, build_dataset, listed_images
from mlgcn.engine.resume_differences import data_digest
from mlgcn.evaluation import ScoresFile
from mlgcn.evaluation.comparison import ComparedScores, compare_scores
from mlgcn.evaluation.folds import group_folds, numbered, share_of_groups, similar_groups
from mlgcn.features import FeatureStore, extract_features
from mlgcn.messages import some
from mlgcn.progress import track

from .candidates import HEADS, Candidate
from .head_runs import HeadRun, read_runs

PRELOADED = [
    *('mlgcn.apis.head_runs', 'mlgcn.models', 'mlgcn.datasets', 'mlgcn.evaluation'),
    *('mlgcn.features', 'mmpretrain.engine', 'mmpretrain.visualization', 'matplotlib.pyplot'),
]


class Comparison:
    """Trainings of heads on the features of a frozen backbone, inside the training split and after.

    Args:
        given: options of the configs, with `own.train` and `own.val`.
        out: the folder for features and trainings; what is there already is not done again.
        heads: of `HEADS`, or configs.
        sizes: of the images, in pixels.
        losses: names of classes, 'recipe' for the config's own.
        backbones: see :func:`.timm_backbones.backbone_options`, 'recipe' for the config's own.
        seeds, folds: how many.
        workers: trainings at a time.

    Raises:
        ConfigError, ValueError, FileNotFoundError: data, heads or configs that do not work.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        out: Path,
        heads: Sequence[str] = HEADS,
        sizes: Sequence[int] = (320,),
        losses: Sequence[str] = ('recipe',),
        backbones: Sequence[str] = ('recipe',),
        seeds: int = 3,
        folds: int = 5,
        workers: int = 1,
    ):
        if not (given.get('own.train') and given.get('own.val')):
            raise ConfigError(f'expected own.train=LIST own.val=LIST, seen {some(given)}')
        for name, value, least in (('--seeds', seeds, 1), ('--folds', folds, 2)):
            if value < least:
                raise ConfigError(f'{name} is {value}, expected at least {least}')
        self.out, self.seeds, self.num_folds, self.workers = out, range(seeds), folds, workers
        self.candidates = [
            Candidate.of(head, size, loss, given, backbone)
            for head, backbone, size, loss in itertools.product(heads, backbones, sizes, losses)
        ]
        self.cfgs = {candidate: candidate.cfg() for candidate in self.candidates}
        self.stores: dict[str, FeatureStore] = {}  # by Candidate.features

    def store_features(self) -> None:
        """The maps that the heads read, of every backbone and size; occasions of photographs."""
        for features in dict.fromkeys(candidate.features for candidate in self.candidates):
            cfgs = [cfg for candidate, cfg in self.cfgs.items() if candidate.features == features]
            cfg = Config(cfgs[0].to_dict())
            unset = [each.filename for each in cfgs if 'out_indices' not in each.model.backbone]
            if unset:
                raise ConfigError(f'{unset[0]}: expected model.backbone.out_indices')
            stages = {i for each in cfgs for i in each.model.backbone.out_indices}
            cfg.model.backbone.out_indices = tuple(sorted(stages))
            folder = self.out / f'features_{features}'.replace(' ', '_')
            try:
                extract_features(cfg, listed_images(cfg), folder)
            except LocalEntryNotFoundError as error:
                name = cfg.model.backbone.model_name
                raise FileNotFoundError(
                    f'{name}: its weights cannot be fetched without internet; expected a file: '
                    f'--backbones {name}=FILE'
                ) from error
            self.stores[features] = FeatureStore(folder)
        train, val = (build_dataset(cfg, f'{split}_dataloader') for split in ('train', 'val'))
        self.classes = train.metainfo['classes']
        labels = [data_digest(dataset)['sha256'] for dataset in (train, val)]
        self.labels = json.dumps([*labels, self.classes])
        self.groups, self.val_groups = (
            groups_of(dataset, cfg.own.get('group'), next(iter(self.stores.values())))
            for dataset in (train, val)
        )

    def run(
        self,
        candidate: Candidate,
        seed: int,
        part: str,
        train: tuple[int, ...] | None,
        held_out: tuple[int, ...] | None,
    ) -> HeadRun:
        """One training, whose file's name says everything that it depends on."""
        text = json.dumps(self.cfgs[candidate].to_dict(), default=str, sort_keys=True)
        store = self.stores[candidate.features]
        text += f'{store.source}{store.images}{self.labels}{train}{held_out}'
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        name = f'{candidate.name}_seed{seed}_{part}_{digest}.npz'.replace(' ', '_')
        return HeadRun(
            str(candidate.config), dict(candidate.options), str(store.folder), seed,
             train, held_out, self.out / 'runs' / name,
        )  # fmt: skip

    def folds(self, candidate: Candidate, seed: int) -> list[HeadRun]:
        """The trainings of one seed inside the training split; seeds have folds of their own."""
        fold, runs = group_folds(self.groups, self.num_folds, seed), []
        for k in range(self.num_folds):
            train, held = (tuple(np.flatnonzero(part).tolist()) for part in (fold != k, fold == k))
            runs.append(self.run(candidate, seed, f'fold{k}', train, held))
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
        # torch and mlgcn are imported once, by the server that workers are forked from
        context = multiprocessing.get_context('forkserver' if sys.platform == 'linux' else 'spawn')
        context.set_forkserver_preload(PRELOADED)
        with ProcessPoolExecutor(self.workers, context, start_worker, (console.once,)) as pool:
            futures = {pool.submit(run): run for run in todo}
            done = as_completed(futures)
            for future in track(done, f'{title}: trainings', len(todo)):
                error = future.exception()
                if error is not None:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise ConfigError(f'{futures[future].out.stem}: {error}') from error

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


def groups_of(dataset: Dataset, group: str | None, store: FeatureStore) -> np.ndarray:
    """The occasion of each photograph of a data set, (N,) numbers from 0 on.

    Args:
        group: 'folder', a column of the CSV, or nothing: photographs that look alike.
    """
    paths = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    if group == 'folder':
        return numbered([os.path.dirname(path) for path in paths])
    if group:
        return numbered([dataset.groups[path] for path in paths])
    rows, last = store.rows(paths), list(store.maps.values())[-1]
    return similar_groups(
        np.stack([last[rows[path], 0].mean((0, 1), dtype=np.float32) for path in paths])
    )


def start_worker(said: set[str] | None) -> None:
    """A worker process: shows no warning that the command has `said`.

    A killed command would leave its workers training: each ends with it. (The kernel's signal at a
    parent's end does not serve: the parent is the server that forks them, which stays.)
    """
    threading.Thread(target=end_with_command, daemon=True).start()
    warnings.simplefilter('ignore')
    console.show(quiet=True)
    console.once = said


def end_with_command() -> None:
    """Wait until the process that ordered this one has ended, then end at once."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
