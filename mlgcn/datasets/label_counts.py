"""How often the labels of a data set occur, alone and together."""

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from .annotations import Labels


def cooccurrence(images: Sequence[Labels], classes: Sequence[str]) -> np.ndarray:
    """(K, K) int64: the images that have both classes; on the diagonal, those that have the class.

    Difficult objects alone do not count, nor labels that are not among the K `classes`.
    """
    index = {name: k for k, name in enumerate(classes)}
    present = np.zeros((len(images), len(index)), np.float32)  # float: BLAS multiplies it
    for row, labels in zip(present, images):
        row[[index[name] for name in labels.present if name in index]] = 1
    return (present.T @ present).astype(np.int64)


def label_counts(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the annotated images of a :class:`MultiLabelPhotos`, also inside wrappers.

    As in ML-GCN's published counts; no image counts twice where a wrapper repeats it.

    Returns:
        `nums` (K,): images with each label; `adj` (K, K): images with both, the diagonal 0. int64.
    """
    while not hasattr(dataset, 'read_labels'):
        if hasattr(dataset, 'datasets'):
            parts = [label_counts(part) for part in dataset.datasets]
            return tuple(map(sum, zip(*parts)))
        dataset = dataset.dataset
    adj = cooccurrence(list(dataset.read_labels()[1]), dataset.metainfo['classes'])
    nums = adj.diagonal().copy()
    np.fill_diagonal(adj, 0)
    return nums, adj
