"""ML-GCN as a head: a graph network turns label embeddings into the classifiers of the labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor, nn

from mlgcn.models.layers.constants import Constant
from mlgcn.models.layers.tokens import read_vectors
from mlgcn.ops.cooccurrence_graph import label_graph, normalised
from mlgcn.registry import MODELS
from mlgcn.zip_files import read_arrays

from .multilabel_head import MultiLabelHead


class GraphConvolution(nn.Module):
    """G (X W): W (in, out) without bias, in the published orientation."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_channels, out_channels))
        nn.init.uniform_(self.weight, -(out_channels**-0.5), out_channels**-0.5)

    def forward(self, x: Tensor, graph: Tensor) -> Tensor:
        """From (K, in) and graph (K, K) to (K, out)."""
        return graph @ (x @ self.weight)


@MODELS.register_module()
class MLGCNHead(MultiLabelHead):
    """ML-GCN (Chen et al., CVPR 2019, arXiv 1904.03582) on any feature map.

    Two graph convolutions over the labels' embeddings give each label's classifier, which scores
    the map's global maximum. The labels' branch does not see the image: in evaluation it is
    computed once, and the head is max pooling and a linear layer.

    Graph and embeddings are constants that weights are useless without, so both are in the
    state_dict.

    Args:
        num_classes: K.
        in_channels: C of the backbone's last map.
        hidden: width between the two graph convolutions.
        graph: file of counts, a .npz of `nums` (K,) and `adj` (K, K), as `mlgcn graph` writes it.
            None: `mlgcn.LabelGraphHook` counts the training labels, or the weights bring the
            graph; until then each label only sees itself.
        embeddings: .npy file of one vector per class; None: random ones of `embed_channels`.
        threshold: P(j | i) from which label i points to j.
        mean_over_classes: the published loss is the mean over classes and batch.
        **kwargs: see :class:`MultiLabelHead`.
    """

    class_tensors = {'embeddings': (0,), 'graph': (0, 1)}

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        hidden: int = 1024,
        graph: str | None = None,
        embeddings: str | None = None,
        embed_channels: int = 300,
        threshold: float = 0.4,
        mean_over_classes: bool = True,
        **kwargs,
    ):
        super().__init__(num_classes, mean_over_classes=mean_over_classes, **kwargs)
        self.embeddings_file = embeddings
        if embeddings is None:
            # about unit length: longer ones start with logits of several units
            vectors = torch.randn(num_classes, embed_channels) * embed_channels**-0.5
        else:
            vectors = read_vectors(embeddings, num_classes)
        self.register_buffer('embeddings', vectors)
        self.threshold, self.graph_file = threshold, graph
        self.register_buffer('graph', torch.eye(num_classes))
        if graph is not None:
            self.set_graph(*read_counts(graph))
        self.gc1 = GraphConvolution(vectors.shape[1], hidden)
        self.gc2 = GraphConvolution(hidden, in_channels)
        self.folded = Constant()

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """From stage maps, the last one (B, C, H, W), to logits (B, K)."""
        pooled = F.adaptive_max_pool2d(feats[-1], 1).flatten(1)  # (B, C)
        sources = (self.embeddings, self.graph, self.gc1.weight, self.gc2.weight)
        return pooled @ self.folded(self.classifiers, sources).T

    def set_graph(self, nums: ArrayLike, adj: ArrayLike) -> None:
        """The graph of counts of training images: with each label (K,), with both (K, K)."""
        if len(nums) != self.num_classes:
            seen = f'counts of {len(nums)} classes, the head has {self.num_classes}'
            raise ValueError(f'{self.graph_file or "the data"}: {seen}')
        counts = (torch.from_numpy(np.asarray(array)) for array in (nums, adj))
        self.graph.copy_(label_graph(*counts, self.threshold))

    @property
    def num_edges(self) -> int:
        """Pairs of labels i, j of which i points to j."""
        return int((self.graph > 0).sum()) - self.num_classes

    def classifiers(self) -> Tensor:
        """The labels' branch: one classifier (C,) per label, (K, C)."""
        graph = normalised(self.graph.to(self.gc1.weight))
        hidden = F.leaky_relu(self.gc1(self.embeddings.to(self.gc1.weight), graph), 0.2)
        return self.gc2(hidden, graph)

    @torch.no_grad()
    def explain(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """`adjacency` (B, K, K): entry (i, j) weighs what label j gathers from label i.

        The same for every image.
        """
        adjacency = normalised(self.graph.to(self.gc1.weight)).T
        return dict(adjacency=adjacency.expand(len(feats[-1]), -1, -1))


def read_counts(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """`nums` and `adj` of a file of counts.

    Raises:
        ValueError: not such a file.
    """
    try:
        counts = read_arrays(path, ('nums', 'adj'))
        size = counts['nums'].shape
        if any(array.dtype.kind not in 'iuf' for array in counts.values()):
            raise ValueError('they are no numbers')
        if len(size) != 1 or counts['adj'].shape != 2 * size:
            raise ValueError(f'their shapes are {size} and {counts["adj"].shape}')
        return counts['nums'], counts['adj']
    except ValueError as error:
        told = 'expected the counts that `mlgcn graph` writes, nums (K,) and adj (K, K)'
        raise ValueError(f'{path}: {told}: {error}') from error
