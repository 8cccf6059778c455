"""How often the labels of a data set occur, alone and together."""

import numpy as np
from torch.utils.data import Dataset


def label_counts(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the annotated images of a :class:`MultiLabelPhotos`, also inside wrappers.

    Labels of which only difficult objects are seen do not count (as in ML-GCN's published counts),
    and no image counts twice where a wrapper repeats it.

    Returns:
        `nums` (K,): images with each label; `adj` (K, K): images with both, the diagonal 0. int64.
    """
    while not hasattr(dataset, 'read_labels'):
        if hasattr(dataset, 'datasets'):
            parts = [label_counts(part) for part in dataset.datasets]
            return tuple(sum(part[i] for part in parts) for i in range(2))
        dataset = dataset.dataset
    index = {name: i for i, name in enumerate(dataset.metainfo['classes'])}
    images = dataset.read_labels()[1]
    present = np.zeros((len(images), len(index)), np.float32)  # float: BLAS multiplies it
    for row, labels in zip(present, images):
        row[[index[name] for name in labels.present]] = 1
    adj = (present.T @ present).astype(np.int64)
    nums = adj.diagonal().copy()
    np.fill_diagonal(adj, 0)
    return nums, adj
