"""Heads: from feature maps (or label embeddings) to one logit per class."""

from .add_gcn_head import ADDGCNHead
from .gkg_head import GKGHead
from .graph_head import MultiLabelHead
from .linear_head import LinearHead

__all__ = ['ADDGCNHead', 'GKGHead', 'LinearHead', 'MultiLabelHead']
