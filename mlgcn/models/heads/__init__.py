"""Heads: from feature maps (or label embeddings) to one logit per class."""

from .add_gcn_head import ADDGCNHead
from .csra_head import CSRAHead, ProbedCSRAHead
from .ctran_head import CTranHead
from .gkg_head import GKGHead
from .linear_head import LinearHead
from .ml_decoder_head import MLDecoderHead
from .ml_gcn_head import MLGCNHead
from .multilabel_head import MultiLabelHead
from .query2label_head import Query2LabelHead
