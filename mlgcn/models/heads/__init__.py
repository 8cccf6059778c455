"""Heads: from feature maps (or label embeddings) to one logit per class."""

from .add_gcn_head import ADDGCNHead
from .graph_head import MultiLabelHead
from .linear_head import LinearHead

__all__ = ['ADDGCNHead', 'LinearHead', 'MultiLabelHead']
