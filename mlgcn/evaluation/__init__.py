"""Metrics in the definitions of the multi-label literature."""

from .bootstrap import BootstrapScores, bootstrap_scores, centred, draw_images, interval
from .by_size import SizeBand, scores_by_size
from .curves import Curves, precision_recall_curves
from .label_pairs import LabelPairs, label_pairs
from .metric import MultiLabelScores
from .multilabel_result import METRIC_NAMES, MultiLabelResult
from .multilabel_scores import multilabel_scores
from .protocols import PROTOCOLS
from .scores_file import ScoresFile

__all__ = [
    'METRIC_NAMES',
    'PROTOCOLS',
    'BootstrapScores',
    'Curves',
    'LabelPairs',
    'MultiLabelResult',
    'MultiLabelScores',
    'ScoresFile',
    'SizeBand',
    'bootstrap_scores',
    'centred',
    'draw_images',
    'interval',
    'label_pairs',
    'multilabel_scores',
    'precision_recall_curves',
    'scores_by_size',
]
