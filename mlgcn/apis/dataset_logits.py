"""A model's logits for a whole data set, with the labels."""

import numpy as np
from torch.utils.data import DataLoader
from tqdm import tqdm

from mlgcn.checkpoints import CheckpointError
from mlgcn.engine.fit_to_data import build_dataset

from .loaded_model import LoadedModel


def dataset_logits(
    model: LoadedModel, loader: str = 'val_dataloader'
) -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 (N, K) and targets int8 (N, K) of 1, 0, -1 of the N images of `cfg[loader]`.

    Raises:
        CheckpointError: the config names no such data, or its classes are others.
        ValueError, OSError: what the data set raises.
    """
    if model.cfg.get(loader) is None or 'type' not in model.cfg[loader].get('dataset', {}):
        raise CheckpointError(f'{model.path}: its config has no {loader}; give the config file')
    dataset = build_dataset(model.cfg, loader, model.classes)
    classes = tuple(dataset.metainfo['classes'])
    if classes != model.classes:
        raise CheckpointError(
            f'{model.path} has {len(model.classes)} classes ({", ".join(model.classes[:5])}, ...), '
            f'the data {len(classes)} ({", ".join(classes[:5])}, ...), or orders them otherwise'
        )
    options = model.cfg[loader]
    batches = DataLoader(
        dataset,
        batch_size=options.get('batch_size', 16),
        num_workers=options.get('num_workers', 0),
        collate_fn=list,
    )
    logits, targets = [], []
    for packed in tqdm(batches, desc='images', delay=1, disable=None, unit='batch'):
        logits.append(model.logits(packed))
        targets += [item['data_samples'].gt_score.numpy() for item in packed]
    return np.concatenate(logits), np.stack(targets).astype(np.int8)
