"""Trainings of heads on stored features, in worker processes; each leaves one file of scores."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from torch.utils.benchmark import Timer

from mlgcn.atomic_files import open_atomically
from mlgcn.engine.config import fit_to_data, read_config
from mlgcn.engine.launch import init_processes
from mlgcn.engine.runner import build_runner
from mlgcn.evaluation import ScoresFile
from mlgcn.zip_files import read_arrays

from .loading import without_pretrained
from .shipped_configs import find_config

MEASURED = 1.0  # seconds for the number of images per second


@dataclass(frozen=True)
class HeadRun:
    """One training: a recipe, a seed, the images that it sees, those that it is scored on.

    Args:
        config: of the head, a name or a file.
        options: `--cfg-options`, with `own.train` and `own.val`.
        features: folder of `mlgcn features`.
        seed: of weights, order and views.
        train: indices into the training list; None: all.
        held_out: indices into the training list that are scored; None: the validation list is.
        out: the .npz to write.
    """

    config: str
    options: Mapping[str, Any]
    features: str
    seed: int
    train: tuple[int, ...] | None
    held_out: tuple[int, ...] | None
    out: Path

    def cfg(self) -> Config:
        """The config of this training."""
        cfg = read_config(find_config(self.config), self.options)
        cfg.randomness = dict(seed=self.seed, deterministic=True)
        train, val = cfg.train_dataloader.dataset, cfg.val_dataloader.dataset
        for dataset in (train, val):
            dataset.check_images = False  # done when the features were computed
        if self.train is not None:
            train.indices = list(self.train)
        if self.held_out is not None:
            val.update(ann_file=train.ann_file, indices=list(self.held_out))
        cfg.train_cfg.val_interval = cfg.train_cfg.max_epochs
        cfg.val_evaluator.out_file = f'{self.out}.scores.npz'
        cfg.default_hooks.checkpoint.update(interval=-1, save_best=None, save_last=False)
        cfg.visualizer.vis_backends = []
        cfg.log_level = 'ERROR'
        cfg.work_dir, cfg.experiment_name = f'{self.out}.work', self.out.stem
        cfg.features = dict(folder=self.features)
        init_processes(cfg, 'none')
        return UnformattedConfig(cfg.to_dict())

    def __call__(self) -> None:
        """Train, score, write; nothing where the file is there already."""
        if self.out.exists():
            return
        torch.set_num_threads(1)  # trainings run side by side
        start, cfg = time.process_time(), self.cfg()
        runner = build_runner(cfg)
        runner.train()
        seconds = time.process_time() - start
        scores = ScoresFile.load(cfg.val_evaluator.out_file)
        facts = dict(seconds=seconds, parameters=trained_parameters(runner.model))
        with open_atomically(self.out) as file:
            np.savez(file, **vars(scores), facts=json.dumps(facts))
        Path(cfg.val_evaluator.out_file).unlink()
        shutil.rmtree(cfg.work_dir)


class UnformattedConfig(Config):
    """A config whose text, which upstream logs and stores, is not formatted.

    Formatting takes as long as a few epochs of a head, and upstream does it three times in a run.
    """

    @property
    def pretty_text(self) -> str:
        return repr(self.to_dict())


def trained_parameters(model: torch.nn.Module) -> int:
    """Numbers that training changes."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def images_per_second(cfg: Config, classes: Sequence[str], size: int, batch: int = 4) -> float:
    """How many images of size x size the whole model answers in a second, on one CPU thread."""
    cfg = Config(cfg.to_dict())
    fit_to_data(cfg, classes)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    cfg.model.backbone.init_cfg = None
    without_pretrained(cfg.model)
    model = MODELS.build(cfg.model)
    model.eval()
    images = torch.zeros(batch, 3, size, size)
    with torch.inference_mode():
        timer = Timer('model(images)', globals=dict(model=model, images=images), num_threads=1)
        return batch / timer.blocked_autorange(min_run_time=MEASURED).median


def read_runs(runs: Sequence[HeadRun]) -> tuple[list[ScoresFile], list[dict[str, Any]]]:
    """Scores and facts (`seconds`, `parameters`) of finished trainings."""
    scores, facts = [], []
    for run in runs:
        scores.append(ScoresFile.load(run.out))
        facts.append(json.loads(str(read_arrays(run.out, ['facts'])['facts'])))
    return scores, facts
