"""Query2Label as a head: an encoder of the map and a decoder with one query per label."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlgcn.models.layers.constants import Constant
from mlgcn.models.layers.label_decoder import LabelDecoderLayer
from mlgcn.models.layers.tokens import on_map
from mlgcn.ops.sine_table import sine_table
from mlgcn.registry import MODELS

from .multilabel_head import MultiLabelHead


@MODELS.register_module()
class Query2LabelHead(MultiLabelHead):
    """Query2Label (Liu et al., arXiv 2107.10834) on any feature map.

    1. The positions of the map, with a sine table of places, pass E encoder layers.
    2. One learnt query per label asks them in D decoder layers, starting from zeros; by default the
       labels do not attend to each other.
    3. Logit = the label's own linear score of its query's answer.

    Args:
        num_classes: K.
        in_channels: C of the backbone's last map.
        embed_dim: width of the transformer, a multiple of 4; None for C, as published. Another
            width adds a 1x1 convolution in front.
        project: that convolution also where the widths agree.
        hidden: width inside the feed-forward nets.
        num_encoders, num_decoders: E and D (at least 1).
        self_attn: decoder layers whose queries attend to each other first: a tuple of D booleans,
            or one for all.
        pre_norm: norms before the branches, and one after the encoder.
        **kwargs: see :class:`MultiLabelHead`. The published loss is an asymmetric one (gamma- 2,
            gamma+ 0, no clip), 1000 times its mean over classes and batch.
    """

    class_tensors = {'queries': (0,), r'fc\.(?:weight|bias)': (0,)}

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        embed_dim: int | None = None,
        project: bool = False,
        hidden: int = 8192,
        num_heads: int = 4,
        num_encoders: int = 1,
        num_decoders: int = 2,
        dropout: float = 0.1,
        self_attn: bool | Sequence[bool] = False,
        pre_norm: bool = False,
        **kwargs,
    ):
        super().__init__(num_classes, **kwargs)
        dim = in_channels if embed_dim is None else embed_dim
        chosen = [self_attn] * num_decoders if isinstance(self_attn, bool) else list(self_attn)
        if num_decoders < 1 or len(chosen) != num_decoders:
            told = f'expected num_decoders >= 1, and as many self_attn; got {num_decoders}'
            raise ValueError(f'Query2LabelHead: {told} and {len(chosen)}')
        needed = project or dim != in_channels
        self.input_proj = nn.Conv2d(in_channels, dim, 1) if needed else nn.Identity()
        layer = dict(dim=dim, num_heads=num_heads, hidden=hidden, dropout=dropout)
        layer['pre_norm'] = pre_norm
        self.encoder = nn.ModuleList(
            LabelDecoderLayer(cross_attn=False, **layer) for _ in range(num_encoders)
        )
        self.encoder_norm = nn.LayerNorm(dim) if pre_norm else nn.Identity()
        if not num_encoders:  # published files have it even then, and nothing uses it
            self.encoder_norm.requires_grad_(False)
        self.decoder = nn.ModuleList(LabelDecoderLayer(self_attn=s, **layer) for s in chosen)
        self.decoder_norm = nn.LayerNorm(dim)
        self.queries = nn.Parameter(torch.randn(num_classes, dim))
        self.fc = nn.Linear(dim, num_classes)
        self.folded, self.places = Constant(), {}
        for layers in (self.encoder, self.decoder):
            for parameter in layers.parameters():
                if parameter.ndim > 1:
                    nn.init.xavier_uniform_(parameter)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """From stage maps, the last one (B, C, H, W), to logits (B, K)."""
        memory, places = self._memory(feats[-1])
        labels, query = self._first(memory.shape[0])
        labels = self.decoder[0].answer(labels, query, memory, places)
        for layer in self.decoder[1:]:
            labels = layer(labels, memory, self.queries, places)
        # each label meets its own classifier only
        scores = torch.einsum('bkd,kd->bk', self.decoder_norm(labels), self.fc.weight)
        return scores + self.fc.bias

    @torch.no_grad()
    def explain(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """`attention` (B, K, H, W): where each label looks in the last decoder layer; sums to 1."""
        memory, places = self._memory(feats[-1])
        labels, query = self._first(memory.shape[0])
        for i, layer in enumerate(self.decoder):
            if i:
                labels = layer.talk(labels, self.queries)
                query = layer.ask(labels, self.queries)
            weights = layer.multihead_attn.weights(query, memory + places)
            labels = layer.answer(labels, query, memory, places)
        return dict(attention=on_map(weights, feats[-1]))

    def _memory(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """The encoded positions (B, N, D) and their table (N, D)."""
        memory = self.input_proj(feature).flatten(2).transpose(1, 2)
        places = self._places(feature.shape[2:], memory)
        for layer in self.encoder:
            memory = layer(memory, position=places)
        return (self.encoder_norm(memory) if len(self.encoder) else memory), places

    def _places(self, grid: Sequence[int], like: Tensor) -> Tensor:
        if torch.compiler.is_compiling():
            return sine_table(*grid, like.shape[2]).to(like)
        key = (*grid, like.dtype, like.device)
        if key not in self.places:
            self.places = {key: sine_table(*grid, like.shape[2]).to(like)}  # the last size only
        return self.places[key]

    def _first(self, batch: int) -> tuple[Tensor, Tensor]:
        """Labels and queries before they meet the image; a batch of 1 in evaluation.

        Its batch is the images' in training, where dropout differs from image to image.
        """
        layer = self.decoder[0]

        def start(count: int) -> tuple[Tensor, Tensor]:
            labels = layer.talk(self.queries.new_zeros(count, *self.queries.shape), self.queries)
            return labels, layer.ask(labels, self.queries)

        if self.training:
            return start(batch)
        return self.folded(lambda: start(1), [self.queries, *layer.parameters()])
