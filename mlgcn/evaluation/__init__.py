"""Metrics in the definitions of the multi-label literature."""

from .metric import MultiLabelScores
from .multilabel_result import METRIC_NAMES, MultiLabelResult
from .multilabel_scores import PROTOCOLS, multilabel_scores
from .scores_file import ScoresFile

__all__ = [
    'METRIC_NAMES',
    'PROTOCOLS',
    'MultiLabelResult',
    'MultiLabelScores',
    'ScoresFile',
    'multilabel_scores',
]
