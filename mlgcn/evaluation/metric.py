"""The metric that configs name: gathers logits over batches and ranks, then scores them once."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmpretrain.structures import label_to_onehot

from mlgcn.messages import some
from mlgcn.ops.c_kernels import sorted_floats
from mlgcn.registry import METRICS

from .calibration import Calibration
from .protocols import METRIC_NAMES, PROTOCOLS, as_float32, by_class, check_protocol
from .published import EVALUATORS, published_scores
from .score_rows import ScoreRows
from .scores_file import ScoresFile


@METRICS.register_module()
class MultiLabelScores(BaseMetric):
    """mAP, CP CR CF1 OP OR OF1 and the top-3 six of :func:`multilabel_scores`, in percent.

    Reads `pred_logits` (K,) of each DataSample, or the logit of its `pred_score` (K,), and
    `gt_score` (K,) of 1, 0, -1 (or `gt_label`, positive indices). Rank 0 gathers all results,
    ordered by `sample_idx` and without the sampler's padding, so the result does not depend on the
    number of ranks. Large tables lie in unnamed files, beside `out_file` or in TMPDIR, not in
    memory (:class:`ScoreRows`). Returned keys are the plain names, e.g. 'mAP', 'CF1_top3':
    `CheckpointHook(save_best='mAP')` works, `save_best='CF1'` needs `rule='greater'`.

    Args:
        protocol: of :func:`multilabel_scores` or :data:`mlgcn.evaluation.published.EVALUATORS`.
        report: Names of `METRIC_NAMES` to report, or 'all'. (Not called `metrics`: mmengine takes a
            dict with that key for an Evaluator.)
        per_class: Also log every class's AP and number of positives.
        out_file: Write a :class:`ScoresFile` (.npz) there.
        prefix: Put before the returned names as 'prefix/mAP'.
        weights_sha256: For `out_file`: of the weights that are scored.
    """

    default_prefix = ''

    def __init__(
        self,
        protocol: str = 'addgcn',
        report: str | Sequence[str] = 'all',
        per_class: bool = False,
        out_file: str | None = None,
        prefix: str | None = None,
        weights_sha256: str = '',
    ) -> None:
        super().__init__(prefix=prefix)
        check_protocol(protocol, (*PROTOCOLS, *EVALUATORS))
        report = (report,) if isinstance(report, str) else tuple(report)
        report = METRIC_NAMES if report == ('all',) else report
        unknown = [name for name in report if name not in METRIC_NAMES]
        if unknown:
            raise ValueError(f"metrics {unknown}: expected 'all' or some of {METRIC_NAMES}")
        if out_file is not None and not str(out_file).endswith('.npz'):
            raise ValueError(f'out_file is {str(out_file)!r}; its name must end in .npz')
        self.protocol, self.report, self.per_class = protocol, report, per_class
        self.out_file, self.weights_sha256 = out_file, weights_sha256
        self.calibration: Calibration | None = None  # of the weights, for `out_file`
        self._start()

    def _start(self) -> None:
        folder = None if self.out_file is None else Path(self.out_file).parent
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        self.rows = ScoreRows(folder)  # their keys: (sample_idx, img_path)
        self.left_out: set[str] = set()  # paths of unreadable images, under `bad_images='skip'`

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Keep the logits (K,) and targets (K,) of every image of a batch."""
        for sample in data_samples:
            path = str(sample.get('img_path', ''))
            if 'sample_idx' not in sample:
                need = 'by which images are ordered; keep it in the meta_keys of PackInputs'
                raise ValueError(f'{path or "an image"}: its DataSample has no sample_idx, {need}')
            self.left_out.update(sample.get('skipped', ()))
            index = int(sample['sample_idx'])
            logits, targets = _logits_and_targets(sample, name=path or f'image {index}')
            self.rows.append((index, path), logits, targets)

    def evaluate(self, size: int) -> dict[str, float]:
        """Gather, order and score the `size` images of the data set; the same on every rank."""
        places, left_out = {}, set()  # of an image: (rank, row there)
        parts = all_gather_object((self.rows.keys, self.rows.num_classes, self.left_out))
        for rank, (keys, _, skipped) in enumerate(parts):
            left_out |= skipped
            for row, key in enumerate(keys):
                places.setdefault(key, (rank, row))  # a repeated image is the sampler's padding
        rows = self.rows
        self._start()
        if not places or len(places) != size - len(left_out):
            told = f'{len(places)} different images were scored, but the data set has {size}'
            told += f', of which {len(left_out)} could not be read' if left_out else ''
            raise ValueError(told)
        images = sorted(places)
        tables = rows.gather([places[key] for key in images], max(number for _, number, _ in parts))
        outcome = [None]
        if is_main_process():
            try:
                outcome = [self.compute_metrics([[path for _, path in images], *tables])]
            except Exception as error:  # the other ranks must not wait for its result
                outcome = [error]
        broadcast_object_list(outcome)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        values = outcome[0]
        return {f'{self.prefix}/{k}': v for k, v in values.items()} if self.prefix else values

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score N paths, scores and targets (N, K), log the table, write the file; on rank 0."""
        paths, scores, targets = results
        names = (self.dataset_meta or {}).get('classes')
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            result = published_scores(scores, targets, self.protocol, names)
        for warning in caught:
            print_log(str(warning.message), logger='current', level=logging.WARNING)
        self.table = result.table(self.report, self.per_class)
        if warning := tie_warning(scores, targets, result.class_names):
            print_log(warning, logger='current', level=logging.WARNING)
            self.table += f'\nwarning: {warning}'  # which may go to a file
        logger = MMLogger.get_current_instance()
        logger.info(f'\n{self.table}', extra=dict(file_only=True))  # the command prints it
        if self.out_file is not None:
            cut = self.calibration
            cut = (
                {} if cut is None else dict(temperature=cut.temperature, thresholds=cut.thresholds)
            )
            labelled = paths, result.class_names, scores, targets
            ScoresFile(*labelled, self.protocol, self.weights_sha256, **cut).save(self.out_file)
            print_log(f'Scores of {len(paths):,} images: {self.out_file}', logger='current')
        return {name: result[name] for name in self.report if name in result.values}


def tie_warning(scores: np.ndarray, targets: np.ndarray, names: Sequence[str]) -> str | None:
    """Names the classes (K,) of scores and targets (N, K) whose AP the order of ties decides."""
    shares = {}
    for name, column, labels in zip(names, by_class(scores, as_float32), by_class(targets)):
        positive, negative = column[labels == 1], sorted_floats(column[labels == 0])
        if len(positive) and len(negative):
            ends = (np.searchsorted(negative, positive, side) for side in ('left', 'right'))
            shares[name] = np.not_equal(*ends).mean()
    tied = [f'{name} {share:.0%}' for name, share in shares.items() if share > 0.1]
    if not tied:
        return None
    told = f'{len(tied)} of {len(names)} classes have positive images with exactly the score of a'
    told += f' negative one (constant scores: 100%): {some(tied)}'
    return f'{told}. The rule for equal scores, not the model, decides their AP'


def _logits_and_targets(sample: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    """float32 logits (K,) and int8 targets (K,) of one image; ValueError naming it if wrong."""
    if 'pred_logits' in sample:
        logits = sample['pred_logits'].cpu().float()
    else:
        # float32 probabilities other than 0 and 1 have logits from -104 to 17
        logits = torch.logit(sample['pred_score'].cpu().double()).clamp(-110, 110).float()
    if not logits.isfinite().all():
        raise ValueError(f'{name}: its scores hold NaN or infinity')
    labels = sample.get('gt_score')
    if labels is None:
        labels = label_to_onehot(sample['gt_label'].cpu(), len(logits))
    labels = labels.cpu()
    if len(labels) != len(logits):
        raise ValueError(f'{name}: {len(logits)} scores but {len(labels)} labels (classes)')
    targets = labels.to(torch.int8)  # PackInputs makes the labels float32
    if (targets != labels).any() or (targets.abs() > 1).any():
        seen = labels.unique().tolist()
        raise ValueError(f'{name}: gt_score must hold only 1, 0 and -1; got {seen}')
    return logits.numpy(), targets.numpy()
