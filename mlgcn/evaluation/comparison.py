"""Models that were trained with several seeds, compared on the same images."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .bootstrap import bootstrap_scores, interval
from .folds import draw_groups
from .multilabel_scores import multilabel_scores

REPLICATES = 1000


@dataclass(frozen=True)
class ComparedScores:
    """mAP in percent of M models, S seeds each, on one set of images.

    Replicates draw groups of images and seeds, the same for all models: intervals hold both, and
    differences are paired.
    """

    names: tuple[str, ...]
    by_seed: np.ndarray  # (M, S)
    replicates: np.ndarray  # (M, R)
    ap: np.ndarray  # (M, K), means over the seeds

    @property
    def mean(self) -> np.ndarray:
        """(M,) over the seeds."""
        return self.by_seed.mean(axis=1)

    @property
    def best(self) -> int:
        """The model of the highest mean."""
        return int(self.mean.argmax())

    def interval(self, model: int) -> tuple[float, float]:
        """95 % interval of a model's mean."""
        low, high = interval(self.replicates[model], self.mean[model])
        return float(low), float(high)

    def difference(self, model: int, other: int) -> tuple[float, float, float]:
        """Mean of `model` minus that of `other`, and its 95 % interval."""
        measured = self.mean[model] - self.mean[other]
        low, high = interval(self.replicates[model] - self.replicates[other], measured)
        return float(measured), float(low), float(high)

    def share_best(self, model: int) -> float:
        """The share of replicates, shifted to the measured means, in which a model is the best."""
        shift = self.mean - np.nanmean(self.replicates, axis=1)
        return float(np.mean((self.replicates + shift[:, None]).argmax(axis=0) == model))


def compare_scores(
    logits: Mapping[str, Sequence[np.ndarray]],
    targets: np.ndarray,
    groups: np.ndarray,
    protocol: str = 'addgcn',
    seed: int = 0,
) -> ComparedScores:
    """Score models by their logits (N, K) of every seed; groups (N,) are drawn as a whole."""
    draws = draw_groups(groups, REPLICATES, seed)
    seeds = len(next(iter(logits.values())))
    drawn = np.random.default_rng(seed).integers(seeds, size=(seeds, REPLICATES))
    by_seed, replicates, ap = [], [], []
    for tables in logits.values():
        with warnings.catch_warnings():  # of empty classes, which are the same in all tables
            warnings.simplefilter('ignore')
            results = [multilabel_scores(table, targets, protocol) for table in tables]
        samples = [bootstrap_scores(table, targets, protocol, draws) for table in tables]
        values = np.stack([sample.values['mAP'] for sample in samples])
        by_seed.append([result['mAP'] for result in results])
        replicates.append(np.take_along_axis(values, drawn, axis=0).mean(axis=0))
        ap.append(np.mean([result.ap for result in results], axis=0))
    return ComparedScores(tuple(logits), *map(np.array, (by_seed, replicates, ap)))
