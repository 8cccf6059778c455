"""The metric that configs name: gathers logits over batches and ranks, then scores them once."""

import logging
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger, print_log
from mmpretrain.structures import label_to_onehot

from mlgcn.messages import some
from mlgcn.registry import METRICS

from .calibration import Calibration
from .protocols import METRIC_NAMES, PROTOCOLS, check_protocol
from .published import EVALUATORS, published_scores
from .scores_file import ScoresFile


@METRICS.register_module()
class MultiLabelScores(BaseMetric):
    """mAP, CP CR CF1 OP OR OF1 and the top-3 six of :func:`multilabel_scores`, in percent.

    Reads `pred_logits` (K,) of each DataSample, or the logit of its `pred_score` (K,), and
    `gt_score` (K,) of 1, 0, -1 (or `gt_label`, positive indices). Every rank gathers all results,
    ordered by `sample_idx` and without the sampler's padding, so the result does not depend on the
    number of ranks. Returned keys are the plain names, e.g. 'mAP', 'CF1_top3':
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
        self.left_out: set[str] = set()  # paths of unreadable images, under `bad_images='skip'`

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Keep (sample_idx, img_path, logits (K,), targets (K,)) of every image of a batch."""
        for sample in data_samples:
            path = str(sample.get('img_path', ''))
            if 'sample_idx' not in sample:
                need = 'by which images are ordered; keep it in the meta_keys of PackInputs'
                raise ValueError(f'{path or "an image"}: its DataSample has no sample_idx, {need}')
            self.left_out.update(sample.get('skipped', ()))
            index = int(sample['sample_idx'])
            logits, targets = _logits_and_targets(sample, name=path or f'image {index}')
            self.results.append((index, path, logits, targets))

    def evaluate(self, size: int) -> dict[str, float]:
        """Gather, order and score the `size` images of the data set; the same on every rank."""
        images, left_out = {}, set()
        for results, skipped in all_gather_object((self.results, self.left_out)):
            left_out |= skipped
            for result in results:
                images.setdefault(result[:2], result)  # a repeated image is the sampler's padding
        self.results, self.left_out = [], set()
        if not images or len(images) != size - len(left_out):
            raise ValueError(
                f'{len(images)} different images were scored, but the data set has {size}'
                + (f', of which {len(left_out)} could not be read' if left_out else '')
            )
        values = self.compute_metrics([images[key] for key in sorted(images)])
        return {f'{self.prefix}/{k}': v for k, v in values.items()} if self.prefix else values

    def compute_metrics(self, results: list[tuple]) -> dict[str, float]:
        """Score `process`'s tuples, log the table, write the scores file."""
        _, paths, logits, targets = zip(*results)
        scores, targets = np.stack(logits), np.stack(targets)
        names = (self.dataset_meta or {}).get('classes')
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            result = published_scores(scores, targets, self.protocol, names)
        for warning in caught:
            print_log(str(warning.message), logger='current', level=logging.WARNING)
        self.table = result.table(self.report, self.per_class)
        logger = MMLogger.get_current_instance()
        logger.info(f'\n{self.table}', extra=dict(file_only=True))  # the command prints it
        if warning := tie_warning(scores, targets, result.class_names):
            print_log(warning, logger='current', level=logging.WARNING)
        if self.out_file is not None and is_main_process():
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
    for name, column, labels in zip(names, scores.T, targets.T):
        positive, negative = column[labels == 1], column[labels == 0]
        if len(positive) and len(negative):
            shares[name] = np.isin(positive, negative).mean()
    tied = [f'{name} {share:.0%}' for name, share in shares.items() if share > 0.1]
    if not tied:
        return None
    return (
        f'{len(tied)} of {len(names)} classes have positive images with exactly the score of a '
        f'negative one (constant scores: 100%): {some(tied)}. The rule for equal scores, not the '
        'model, decides their AP'
    )


def _logits_and_targets(sample: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    """float32 logits (K,) and int8 targets (K,) of one image; ValueError naming it if wrong."""
    if 'pred_logits' in sample:
        logits = sample['pred_logits'].cpu().float()
    else:
        logits = torch.logit(sample['pred_score'].cpu().double()).float()
    if logits.isnan().any():
        raise ValueError(f'{name}: its scores hold NaN')
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
