"""Feature maps as sequences of positions and back; files of one vector per class."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mlgcn.zip_files import read_array

MAX_WIDTH = 2**14  # of label embeddings: GloVe has 300, large language models 12,288


def as_tokens(feature: Tensor) -> Tensor:
    """A map (B, C, H, W), row by row, or tokens (B, N, C), as tokens (B, N, C)."""
    return feature.flatten(2).transpose(1, 2) if feature.ndim == 4 else feature


def on_map(weights: Tensor, feature: Tensor) -> Tensor:
    """Weights (B, K, N) of positions as (B, K, H, W); those of tokens become one row."""
    grid = feature.shape[2:] if feature.ndim == 4 else (1, feature.shape[1])
    return weights.unflatten(2, grid)


def read_vectors(path: str | Path, num_classes: int) -> Tensor:
    """One vector per class, float32 (K, C), of a .npy file.

    Raises:
        ValueError: no such array of numpy; NaN or infinite values.
    """
    if Path(path).suffix != '.npy':
        raise ValueError(f'{path}: expected a .npy file of one vector per class')
    vectors = read_array(path, 'f', 2)
    if len(vectors) != num_classes or vectors.shape[1] > MAX_WIDTH:
        expected = f'expected shape ({num_classes}, C), a row per class, C at most {MAX_WIDTH:,}'
        raise ValueError(f'{path}: {expected}, found {vectors.shape}')
    if not np.isfinite(vectors).all():
        raise ValueError(f'{path}: NaN or infinite values')
    return torch.from_numpy(vectors.astype(np.float32))
