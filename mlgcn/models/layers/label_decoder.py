"""The transformer layer of ML-Decoder, Query2Label and C-Tran: labels ask each other and the image.

Shapes: B images, Q queries (one per label, or per group of labels), N positions, D width, h heads.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn


class LabelAttention(nn.MultiheadAttention):
    """torch's multi-head attention, with the projection of the queries as a step of its own.

    Label queries are often the same for every image: projected once, they are shared by the whole
    batch. Parameters, names and initialisation are torch's.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float):
        super().__init__(dim, num_heads, dropout, batch_first=True)

    def project(self, x: Tensor, part: int) -> Tensor:
        """Queries (part 0), keys (1) or values (2) of x (B, N, D), head by head: (B, h, N, D/h)."""
        weight, bias = (t.chunk(3)[part] for t in (self.in_proj_weight, self.in_proj_bias))
        return F.linear(x, weight, bias).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """From projected queries (1 or B, h, Q, D/h), keys and values (B, N, D) to (B, Q, D)."""
        k, v = self.project(key, 1), self.project(value, 2)
        dropout = self.dropout if self.training else 0.0
        query = query.expand(k.shape[0], -1, -1, -1)
        heads = F.scaled_dot_product_attention(query, k, v, dropout_p=dropout)
        return self.out_proj(heads.transpose(1, 2).flatten(2))

    def weights(self, query: Tensor, key: Tensor) -> Tensor:
        """Where the queries look, the mean over heads: (B, Q, N), rows sum to 1."""
        k = self.project(key, 1)
        return (query @ k.transpose(2, 3) * k.shape[-1] ** -0.5).softmax(dim=3).mean(dim=1)


class LabelDecoderLayer(nn.Module):
    """[self-attention,] [attention to a memory,] feed-forward net, each with a residual and a norm.

    The layer of DETR (arXiv 2005.12872): positions are added to queries and keys, never to values.
    Names follow torch's TransformerDecoderLayer: norm1 belongs to the self-attention, norm2 to the
    attention to the memory, norm3 to the feed-forward net.

    Args:
        dim: D, a multiple of `num_heads`.
        hidden: width inside the feed-forward net.
        dropout: rate, of the attention weights too.
        self_attn: the queries attend to each other first.
        cross_attn: the queries attend to the memory. Without it this is an encoder's layer.
        pre_norm: norms before each branch instead of after each sum.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        hidden: int,
        dropout: float = 0.1,
        self_attn: bool = True,
        cross_attn: bool = True,
        pre_norm: bool = False,
    ):
        super().__init__()
        self.pre_norm = pre_norm
        self.self_attn = LabelAttention(dim, num_heads, dropout) if self_attn else None
        self.multihead_attn = LabelAttention(dim, num_heads, dropout) if cross_attn else None
        self.linear1 = nn.Linear(dim, hidden)
        self.linear2 = nn.Linear(hidden, dim)
        self.norm1 = nn.LayerNorm(dim) if self_attn else None
        self.norm2 = nn.LayerNorm(dim) if cross_attn else None
        self.norm3 = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor | None = None,
        position: Tensor | None = None,
        memory_position: Tensor | None = None,
    ) -> Tensor:
        """From x (B, Q, D), memory (B, N, D) and positions that broadcast to them to (B, Q, D)."""
        x = self.talk(x, position)
        query = self.ask(x, position) if self.multihead_attn is not None else None
        return self.answer(x, query, memory, memory_position)

    def talk(self, x: Tensor, position: Tensor | None = None, first: int = 0) -> Tensor:
        """The self-attention of x (B, Q, D), if there is one.

        Args:
            first: only queries from this one on are updated and returned; all are attended to.
        """
        if self.self_attn is None:
            return x[:, first:]
        normed = self.norm1(x) if self.pre_norm else x
        placed = _at(normed, position)
        query = self.self_attn.project(placed[:, first:], 0)
        return self._add(x[:, first:], self.self_attn.attend(query, placed, normed), self.norm1)

    def ask(self, x: Tensor, position: Tensor | None = None) -> Tensor:
        """What x (B, Q, D) asks the memory: projected queries (B, h, Q, D/h)."""
        x = self.norm2(x) if self.pre_norm else x
        return self.multihead_attn.project(_at(x, position), 0)

    def answer(
        self,
        x: Tensor,
        query: Tensor | None,
        memory: Tensor | None,
        memory_position: Tensor | None = None,
    ) -> Tensor:
        """The rest of the layer; x and query may have a batch of 1 for all images."""
        if query is not None:
            found = self.multihead_attn.attend(query, _at(memory, memory_position), memory)
            x = self._add(x, found, self.norm2)
        normed = self.norm3(x) if self.pre_norm else x
        branch = self.linear2(self.dropout(F.relu(self.linear1(normed))))
        return self._add(x, branch, self.norm3)

    def _add(self, x: Tensor, branch: Tensor, norm: Callable[[Tensor], Tensor]) -> Tensor:
        x = x + self.dropout(branch)
        return x if self.pre_norm else norm(x)


def _at(x: Tensor, position: Tensor | None) -> Tensor:
    return x if position is None else x + position
