"""ML-Decoder as a head: fixed queries look at the map, each answers for a group of classes."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlgcn.models.layers.constants import Constant
from mlgcn.models.layers.label_decoder import LabelDecoderLayer
from mlgcn.models.layers.tokens import as_tokens, on_map, read_vectors
from mlgcn.registry import MODELS

from .multilabel_head import MultiLabelHead

HIDDEN = 2048  # of the feed-forward net, whatever the decoder's width


@MODELS.register_module()
class MLDecoderHead(MultiLabelHead):
    """ML-Decoder (Ridnik et al., WACV 2023, arXiv 2111.12933) on any map or tokens.

    Q queries attend to the projected map without attending to each other; query q gives the logits
    of the classes q * g to q * g + g - 1. Q = K is full decoding (g = 1). The queries are random
    and never trained; up to their projection by the attention they are constants in evaluation.

    With `word_vectors` the queries are projected word vectors and all classes share one classifier
    (the paper's zero-shot variant): after training, :meth:`set_words` gives other classes.

    Args:
        num_classes: K.
        in_channels: C of the backbone's last map.
        embed_dim: D of the decoder, a multiple of `num_heads`.
        num_groups: Q; -1 for 100; never more than K.
        word_vectors: a file of K vectors (:func:`read_vectors`), or their width, with vectors set
            later by :meth:`set_words`. None: fixed random queries.
        **kwargs: see :class:`MultiLabelHead`. The published loss is `AsymmetricLoss` (gamma- 4,
            gamma+ 0, clip 0.05) summed over classes and batch.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        embed_dim: int = 768,
        num_groups: int = -1,
        num_heads: int = 8,
        dropout: float = 0.1,
        word_vectors: str | int | None = None,
        **kwargs,
    ):
        super().__init__(num_classes, **kwargs)
        self.project = nn.Linear(in_channels, embed_dim)
        self.norm1 = nn.LayerNorm(embed_dim)
        self.dropout = nn.Dropout(dropout)
        self.layer = LabelDecoderLayer(embed_dim, num_heads, HIDDEN, dropout, self_attn=False)
        self.constant = Constant()
        self.word_proj = None
        if word_vectors is None:
            num_queries = min(num_classes, 100 if num_groups < 0 else num_groups)
            if num_queries < 1:
                raise ValueError(f'MLDecoderHead: num_groups is {num_groups}, expected -1 or >= 1')
            self.group_size = math.ceil(num_classes / num_queries)
            self.register_buffer('queries', torch.randn(num_queries, embed_dim))
            self.group_fc = nn.Parameter(torch.empty(num_queries, embed_dim, self.group_size))
            self.bias = nn.Parameter(torch.zeros(num_classes))
            # neighbours share a query: rows of a group cannot be moved to another
            axes = (0,) if self.group_size == 1 else ()
            self.class_tensors = {'bias': (0,), 'queries': axes, 'group_fc': axes}
        else:
            self.group_size = 1
            words, width = None, word_vectors
            if not isinstance(word_vectors, int):
                words = read_vectors(word_vectors, num_classes)
                width = words.shape[1]
            self.word_proj = nn.Linear(width, embed_dim)
            # not in the state_dict: a file serves whatever classes it is given
            self.register_buffer('words', words, persistent=False)
            self.group_fc = nn.Parameter(torch.empty(embed_dim, 1))
            self.bias = nn.Parameter(torch.zeros(1))
        nn.init.xavier_normal_(self.group_fc)

    def set_words(self, vectors: Tensor) -> None:
        """Other classes, by their word vectors (K', width): the next logits are (B, K')."""
        if self.word_proj is None:
            raise ValueError('MLDecoderHead: built without word_vectors, its queries are fixed')
        if vectors.ndim != 2 or vectors.shape[1] != self.word_proj.in_features:
            expected = f'expected word vectors (K, {self.word_proj.in_features})'
            raise ValueError(f'MLDecoderHead: {expected}, got {tuple(vectors.shape)}')
        self.words = vectors.to(self.word_proj.weight)
        self.num_classes = len(vectors)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """From stage maps, the last one (B, C, H, W) or tokens (B, N, C), to logits (B, K)."""
        memory = self._memory(feats)
        x, query = self._queries(memory.shape[0])
        answers = self.layer.answer(x, query, memory)  # (B, Q, D)
        if self.word_proj is not None:
            return (answers @ self.group_fc).squeeze(2) + self.bias
        weight = self.group_fc[: answers.shape[1]]
        logits = torch.einsum('bqd,qdg->bqg', answers, weight).flatten(1)
        return logits[:, : self.num_classes] + self.bias

    @torch.no_grad()
    def explain(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """`attention` (B, K, H, W): where the query of each class looks; sums to 1."""
        memory = self._memory(feats)
        weights = self.layer.multihead_attn.weights(self._queries(memory.shape[0])[1], memory)
        weights = weights.repeat_interleave(self.group_size, dim=1)[:, : self.num_classes]
        return dict(attention=on_map(weights, feats[-1]))

    def _memory(self, feats: Sequence[Tensor]) -> Tensor:
        return F.relu(self.project(as_tokens(feats[-1])))

    def _queries(self, batch: int) -> tuple[Tensor, Tensor]:
        """The queries before and after the attention's projection; a batch of 1 in evaluation."""
        if self.training:  # dropout differs from image to image
            return self._prepare(batch)
        sources = [*self.buffers(), *self.norm1.parameters(), *self.layer.parameters()]
        if self.word_proj is not None:
            sources += self.word_proj.parameters()
        return self.constant(lambda: self._prepare(1), sources)

    def _prepare(self, batch: int) -> tuple[Tensor, Tensor]:
        if self.word_proj is None:
            # the last queries of a number that does not divide K answer for no class
            x = self.queries[: math.ceil(self.num_classes / self.group_size)]
        elif self.words is None:
            raise ValueError('MLDecoderHead: no word vectors yet; set_words gives them')
        else:
            x = F.relu(self.word_proj(self.words))
        x = x.expand(batch, -1, -1)
        x = self.norm1(x + self.dropout(x))  # the published layer adds the queries to themselves
        return x, self.layer.ask(x)
