"""The multi-label literature's metrics: AP and mAP, CP CR CF1 OP OR OF1, and the top-3 six.

AP of a class is not interpolated: the mean, over its positives, of the precision at their rank.
With hits Nc_k, predictions Np_k and positives Ng_k of class k: CP = mean_k Nc_k / Np_k,
CR = mean_k Nc_k / Ng_k, OP = sum Nc / sum Np, OR = sum Nc / sum Ng; CF1 and OF1 are the
harmonic means of the two before them. Top-3 allows an image three predictions, which must reach
the threshold too. Both evaluators hold scores in float32: float64 input is rounded first.

================== =========================================== ===============================
protocol           'addgcn' (ADD-GCN, ECCV 2020)               'gkgnet' (GKGNet, ECCV 2024)
================== =========================================== ===============================
predicted          logit >= 0                                  float32 sigmoid >= 0.5
top-3              exactly three (`torch.topk` among equals)   all >= the third highest
OP                 adds 1 to sum Np per never predicted class  plain
AP of equal scores order of `torch.sort`                       order of `np.argsort`, reversed
AP's denominator   Ng_k                                        Ng_k + 1e-8
difficult (-1)     ignored in AP, negative elsewhere           negative everywhere
no positive        left out of mAP and CR                      AP and recall are 0
================== =========================================== ===============================

Where the published code divides by zero, the result is defined here: a class without positives
as in the table; CF1 and OF1 are 0 when both of their parts are, OP is 0 when
nothing is predicted. GKGNet's evaluator refuses difficult labels except in AP.

Both sorts are unstable: APs of classes with equal scores depend on the order of the images and
on the versions of torch and numpy; numpy's also on the processor's vector instructions.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from mlgcn.messages import some

from . import protocols
from .protocols import METRIC_NAMES, PRF_NAMES, ROWS, Table, skips_empty_classes


@dataclass(frozen=True)
class MultiLabelResult:
    """Scores of N images x K classes under one protocol, in percent; `result['CF1']` reads one.

    `values` has the `METRIC_NAMES`. `ap` (K,) is NaN where the mean leaves a class out, `positives`
    (K,) counts images. `errors` names the exceptions that a published evaluator ends with instead.
    """

    protocol: str
    num_images: int
    class_names: tuple[str, ...]
    ap: np.ndarray
    positives: np.ndarray
    values: dict[str, float]
    errors: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def table(self, metrics: Sequence[str] = METRIC_NAMES, per_class: bool = False) -> str:
        """`metrics` as plain text, before them one line per class where `per_class` is set."""
        lines = [
            f'Multi-label scores in %: protocol {self.protocol!r}, {self.num_images:,} images, '
            f'{len(self.class_names):,} classes'
        ]
        if per_class:
            width = max(map(len, ('class', *self.class_names)))
            lines.append(f'{"class":<{width}} {"positives":>9} {"AP":>7}')
            for name, count, ap in zip(self.class_names, self.positives, self.ap):
                shown = '-' if np.isnan(ap) else f'{ap:.2f}'
                lines.append(f'{name:<{width}} {count:>9} {shown:>7}')
        for title, suffix in (('all', ''), ('top-3', '_top3')):
            names = [n for n in ('mAP', *PRF_NAMES) if n + suffix in {*metrics} & {*self.values}]
            if names:
                lines.append(f'{title:<5}' + ''.join(f'{name:>8}' for name in names))
                lines.append(' ' * 5 + ''.join(f'{self[name + suffix]:>8.2f}' for name in names))
        lines += [f'{name}: the published code raises {e}' for name, e in self.errors.items()]
        return '\n'.join(lines)


def multilabel_scores(
    scores: Table,
    targets: Table,
    protocol: str = 'addgcn',
    class_names: Sequence[str] | None = None,
) -> MultiLabelResult:
    """Score N images x K classes exactly as a published evaluator does.

    The module's docstring defines the metrics. A warning names classes without positives.

    Args:
        scores: Raw logits (N, K), floating point, without NaN or infinity; ValueError for others.
        targets: Integers (N, K): 1 positive, 0 negative, -1 difficult (unknown).
        protocol: 'addgcn' or 'gkgnet'.
        class_names: K names for messages and tables; by default 'class 0', 'class 1', ...
    """
    protocols.check_protocol(protocol)
    scores, targets, class_names = check_input(scores, targets, class_names)
    columns = protocols.labelled_columns(scores, targets, protocol)
    sums, positives = protocols.precision_sums(columns, protocol)
    skip = skips_empty_classes(protocol)
    empty = [repr(name) for name, count in zip(class_names, positives) if count == 0]
    if skip and len(empty) == len(class_names):
        raise ValueError('no class has a positive label in any image: nothing to average')
    if empty:
        effect = 'left out of' if skip else 'counted as 0 in'
        seen = f'{len(empty)} of {len(class_names)} classes have no positive image'
        warnings.warn(f'{seen} and are {effect} mAP and CR: {some(empty, 20)}', stacklevel=2)
    # GKGNet's guard against division by zero; ADD-GCN has none
    ap = 100 * sums / (np.maximum(positives, 1) if skip else positives + 1e-8)
    if skip:
        ap[positives == 0] = np.nan
    values = {'mAP': np.nanmean(ap), **protocols.threshold_metrics(scores, targets, protocol)}
    values = {name: float(value) for name, value in values.items()}
    return MultiLabelResult(protocol, len(scores), class_names, ap, positives, values)


def check_input(scores, targets, class_names) -> tuple[torch.Tensor, np.ndarray, tuple[str, ...]]:
    """Scores on the CPU, targets as numpy, K names; ValueError where something is wrong."""
    with warnings.catch_warnings():
        # of a mapped file: nothing is written into it
        warnings.filterwarnings('ignore', 'The given NumPy array is not writable')
        scores, targets = (torch.as_tensor(table).detach().cpu() for table in (scores, targets))
    if scores.ndim != 2 or scores.shape != targets.shape or 0 in scores.shape:
        told = 'scores and targets must both be (N images, K classes), N and K at least 1'
        raise ValueError(f'{told}; got {tuple(scores.shape)} and {tuple(targets.shape)}')
    if not scores.is_floating_point():
        raise ValueError(f'scores must be floating point logits; got {scores.dtype}')
    bad = torch.cat([_holds_nan_or_infinity(rows) for rows in scores.split(ROWS)]).nonzero()
    if len(bad):
        first = f'the first in row {int(bad[0])}'
        raise ValueError(f'scores of {len(bad)} images hold NaN or infinity, {first}')
    low, high = (int(value) for value in targets.aminmax())
    if low < -1 or high > 1 or targets.is_floating_point():
        seen = f'{targets.dtype} from {low} to {high}'
        raise ValueError(f'targets must be integers 1, 0 or -1; got {seen}')
    classes = scores.shape[1]
    names = (f'class {k}' for k in range(classes)) if class_names is None else class_names
    names = tuple(map(str, names))
    if len(names) != classes:
        raise ValueError(f'{len(names)} class names for scores of {classes} classes')
    return scores, targets.numpy(), names


def _holds_nan_or_infinity(rows: torch.Tensor) -> torch.Tensor:
    """Booleans (B,) of scores (B, K), as float32 holds them."""
    extremes = protocols.as_float32(torch.stack(rows.aminmax(dim=1)))  # of a row with NaN: NaN
    return ~extremes.isfinite().all(dim=0)
