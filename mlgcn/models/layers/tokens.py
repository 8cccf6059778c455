"""Feature maps as sequences of positions and back; files of one vector per class."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

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
        ValueError: another suffix, number of vectors or type; NaN or infinite values.
    """
    if Path(path).suffix != '.npy':
        raise ValueError(f'{path}: expected a .npy file of one vector per class')
    if os.path.exists(path) and not os.path.isfile(path):  # opening a pipe would wait
        raise ValueError(f'{path}: not a regular file; expected a .npy of one vector per class')
    try:
        vectors = np.load(path, mmap_mode='r', allow_pickle=False)  # nothing is read yet
        seen = f'{vectors.dtype} {vectors.shape}'
    except FileNotFoundError:
        raise
    except Exception as error:  # a broken header raises nearly anything
        raise ValueError(f'{path}: not a .npy of one vector per class: {error}') from error
    fits = vectors.ndim == 2 and len(vectors) == num_classes and vectors.shape[1] <= MAX_WIDTH
    if not fits or vectors.dtype.kind != 'f':
        raise ValueError(
            f'{path}: expected floats of shape ({num_classes}, C), one row per class, C at most '
            f'{MAX_WIDTH:,}, found {seen}'
        )
    if not np.isfinite(vectors).all():
        raise ValueError(f'{path}: NaN or infinite values')
    return torch.from_numpy(vectors.astype(np.float32))
