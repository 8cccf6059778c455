"""Losses that upstream lacks, or that treat unknown labels."""

from .asymmetric import ASL, HillLoss, MultiLabelFocalLoss, PartialASL, SPLCLoss
from .base import BinaryCrossEntropy, MultiLabelLoss
from .distribution_balanced import DistributionBalancedLoss
from .large_loss import LargeLoss
from .ranking import PairwiseRankingLoss, TwoWayLoss, ZLPRLoss
from .single_positive import (
    AssumeNegativeLoss,
    EntropyMaximizationLoss,
    ExpectedPositivesLoss,
    ROLELoss,
)
