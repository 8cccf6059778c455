"""C-Tran as a head: positions and labels attend to each other, some labels being known."""

from collections.abc import Sequence

import torch
from mmengine.dist import get_world_size
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mlgcn.models.layers.label_decoder import LabelDecoderLayer
from mlgcn.models.layers.tokens import as_tokens, on_map
from mlgcn.models.losses.base import MultiLabelLoss
from mlgcn.registry import MODELS

from .multilabel_head import MultiLabelHead

UNKNOWN, ABSENT, PRESENT = -1, 0, 1  # states of a label; the embedding's rows in this order


@MODELS.register_module()
class CTranHead(MultiLabelHead):
    """C-Tran (Lanchantin et al., CVPR 2021, arXiv 2011.14027) on any feature map.

    The positions of the map and one embedding per label are one sequence, through L encoder layers
    in which everything attends to everything. To each label's embedding that of its state is added:
    unknown, absent or present. In training a random share of the labels is known, and the loss
    counts the unknown ones; in testing `known_labels` of a DataSample, (K,) of -1, 0 and 1, are
    given to the model, else `given`, the same for every image, and else every label is unknown.

    Args:
        num_classes: K.
        in_channels: C of the backbone's last map, and the transformer's width.
        num_layers: L.
        num_heads: of every attention; divides C.
        most_known: in training, the number of known labels is uniform on 0 to this share of K.
        label_masks: False: no states (every label counts, nothing can be known).
        sum_over_batch: the published loss is a sum over unknown labels and images, not divided by
            the batch size.
        **kwargs: see :class:`MultiLabelHead`.
    """

    class_tensors = {r'labels\.weight': (0,), r'fc\.(?:weight|bias)': (0,)}

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        num_layers: int = 3,
        num_heads: int = 4,
        dropout: float = 0.1,
        most_known: float = 0.75,
        label_masks: bool = True,
        sum_over_batch: bool = True,
        **kwargs,
    ):
        super().__init__(num_classes, **kwargs)
        if not 0 <= most_known <= 1:
            raise ValueError(f'CTranHead: most_known must be a share from 0 to 1, got {most_known}')
        self.most_known = most_known
        self.label_masks = label_masks
        self.sum_over_batch = sum_over_batch
        self.given: Tensor | None = None  # states (K,) of every image, where none come with it
        self.labels = nn.Embedding(num_classes, in_channels)
        # "unknown" gets no gradient but is random, not zero, as published
        self.states = nn.Embedding(3, in_channels, padding_idx=0)
        self.states.requires_grad_(label_masks)
        self.norm = nn.LayerNorm(in_channels)
        self.layers = nn.ModuleList(
            LabelDecoderLayer(in_channels, num_heads, in_channels, dropout, cross_attn=False)
            for _ in range(num_layers)
        )
        self.fc = nn.Linear(in_channels, num_classes)
        for embedding in (self.labels, self.states):
            nn.init.uniform_(embedding.weight, -(in_channels**-0.5), in_channels**-0.5)

    def forward(self, feats: Sequence[Tensor], states: Tensor | None = None) -> Tensor:
        """From stage maps, the last one (B, C, H, W), and states (B, K) to logits (B, K).

        Args:
            states: -1 unknown, 0 known to be absent, 1 known to be present; None: `given`, or
                all unknown. The logits of known labels mean nothing.
        """
        sequence, positions = self._before_last(feats[-1], states)
        # positions need no update in the last layer: only the labels' outputs are read
        last = self.layers[-1]
        labels = last.answer(last.talk(sequence, first=positions), None, None)
        # each label meets its own classifier only
        return torch.einsum('bkd,kd->bk', labels, self.fc.weight) + self.fc.bias

    def loss(self, feats: Sequence[Tensor], data_samples: Sequence[DataSample], **kwargs) -> dict:
        """Losses of the unknown labels, with a random part of the others given to the model."""
        states = self.draw_states(self.targets(data_samples).to(feats[-1].device))
        return self._get_loss(self(feats, states), data_samples, states=states, **kwargs)

    def logits(
        self, feats: Sequence[Tensor], data_samples: Sequence[DataSample] | None = None
    ) -> Tensor:
        """Logits (B, K); `known_labels` of the samples, where they have them, are given."""
        known = [sample.get('known_labels') for sample in data_samples or ()]
        states = None
        if any(row is not None for row in known):
            unknown = torch.full((self.num_classes,), UNKNOWN)
            rows = [unknown if row is None else torch.as_tensor(row).cpu() for row in known]
            states = torch.stack(rows).to(feats[-1].device)
        return self(feats, states)

    @torch.no_grad()
    def explain(self, feats: Sequence[Tensor], states: Tensor | None = None) -> dict[str, Tensor]:
        """What the labels attend to in the last layer, the mean over heads.

        Returns:
            `attention` (B, K, H, W) to the positions and `adjacency` (B, K, K), whose entry (i, j)
            is what label j attends to label i; for a label, all of both sums to 1.
        """
        sequence, positions = self._before_last(feats[-1], states)
        attention = self.layers[-1].self_attn
        weights = attention.weights(attention.project(sequence[:, positions:], 0), sequence)
        to_positions, to_labels = weights.split([positions, self.num_classes], dim=2)
        return dict(attention=on_map(to_positions, feats[-1]), adjacency=to_labels.transpose(1, 2))

    def draw_states(self, target: Tensor) -> Tensor:
        """Random states (B, K) for targets (B, K); what is unknown there (-1) stays unknown."""
        if not self.label_masks:
            return torch.full_like(target, UNKNOWN)
        batch, classes = target.shape
        most = int(self.most_known * classes)
        count = torch.randint(most + 1, (batch, 1), device=target.device)
        rank = torch.rand(batch, classes, device=target.device).argsort(dim=1).argsort(dim=1)
        return torch.where(rank < count, target, UNKNOWN)

    def _get_loss(
        self,
        cls_score: Tensor,
        data_samples: Sequence[DataSample],
        states: Tensor | None = None,
        **kwargs,
    ) -> dict:
        if states is not None:  # a label that was given is not asked for
            targets = torch.where(states == UNKNOWN, self.targets(data_samples).to(states), -1)
            data_samples = [
                DataSample(metainfo=sample.metainfo).set_gt_score(row)
                for sample, row in zip(data_samples, targets)
            ]
        losses = super()._get_loss(cls_score, data_samples, **kwargs)
        if not self.sum_over_batch:
            return losses
        # gradients are averaged over processes: their sum is what one process would have
        factor = len(cls_score) * get_world_size()
        own = [name for name, loss in self.losses.items() if not isinstance(loss, MultiLabelLoss)]
        return losses | {name: factor * losses[name] for name in own}

    def _before_last(self, feature: Tensor, states: Tensor | None) -> tuple[Tensor, int]:
        """The sequence (B, N + K, C) before the last layer, and N."""
        tokens = as_tokens(feature)
        sequence = self.norm(torch.cat([tokens, self._embedded(tokens.shape[0], states)], dim=1))
        for layer in self.layers[:-1]:
            sequence = layer(sequence)
        return sequence, tokens.shape[1]

    def _embedded(self, batch: int, states: Tensor | None) -> Tensor:
        """Label embeddings with their states, (B, K, C)."""
        labels = self.labels.weight.expand(batch, -1, -1)
        if not self.label_masks:
            return labels
        if states is None and self.given is not None:
            states = self.given.to(labels.device).expand(batch, -1)
        if states is None:
            states = labels.new_full(labels.shape[:2], UNKNOWN)
        return labels + self.states(states.long() + 1)
