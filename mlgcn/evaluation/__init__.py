"""Metrics in the definitions of the multi-label literature, their intervals, and calibration."""
# ruff: noqa: I001  one line each

from .analysis import Curves, LabelPairs, SizeBand
from .analysis import label_pairs, precision_recall_curves, scores_by_size
from .bootstrap import BootstrapScores, bootstrap_scores, centred, draw_images, interval
from .calibration import Calibration, calibrate
from .metric import MultiLabelScores
from .multilabel_scores import MultiLabelResult, multilabel_scores
from .protocols import METRIC_NAMES, PROTOCOLS
from .scores_file import ScoresFile
from .thresholds import Objective
