"""Choose temperature and thresholds on the validation split, and put them into the checkpoint."""

import argparse
import contextlib
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Column, Table
from torch.utils.data import DataLoader

from mlgcn.apis import LoadedModel
from mlgcn.atomic_files import write_atomically
from mlgcn.checkpoints import CheckpointError, make_metadata, save_weights
from mlgcn.checkpoints.sources import SOURCES
from mlgcn.engine.config import build_dataset
from mlgcn.evaluation import Objective, ScoresFile, calibrate
from mlgcn.evaluation.calibration import COLDEST, HOTTEST
from mlgcn.messages import printable
from mlgcn.models.heads.multilabel_head import label_vector
from mlgcn.progress import Bar
from mlgcn.visualization.label_figures import reliability_diagram

from . import arguments


def main(args: argparse.Namespace) -> None:
    config, checkpoint, _ = arguments.split_model(args.model)
    Objective.parse(args.objective)  # an error now rather than after the work
    if args.min_positives < 1:
        raise ValueError(f'--min-positives is {args.min_positives}, expected at least 1')
    source = Path(checkpoint)
    if not source.is_file():
        raise FileNotFoundError(f'{source}: no such checkpoint file')
    suffix = '.safetensors' if source.suffix == '.safetensors' else '.pth'
    stem = source.name.removesuffix('.tar').removesuffix(suffix)
    out = args.out or source.with_name(f'{stem}_calibrated{suffix}')
    target = arguments.check_new(out, args.force, '.pth', '.safetensors')
    diagram = arguments.check_new(target.with_suffix('.reliability.png'), args.force)
    scores = ScoresFile.load(args.scores) if args.scores else None
    if scores is None and config is None:
        raise CheckpointError('no validation images: give CONFIG CKPT, or CKPT --scores FILE')
    model = arguments.load_model(args, config, checkpoint)
    logits, labels = of_file(scores, args.scores, model) if scores else of_config(model)
    record, diagrams = calibrate(
        logits, labels, model.classes, args.objective, not args.shared, args.min_positives,
        args.seed,
    )  # fmt: skip
    print_record(record, model.classes, labels)
    picture = reliability_diagram(list(diagrams.items()))
    loaded, metadata = model.checkpoint, calibrated_metadata(model, record)
    save_weights(target, loaded.weights, metadata, loaded.content, args.force)
    write_atomically(diagram, picture)  # last: on a full disk it would be left alone
    print(f'{target}: written; {diagram}: reliability on the held-out images')


def of_config(model: LoadedModel) -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 (N, K) and targets int8 (N, K) of 1, 0, -1 of the validation images.

    Raises:
        CheckpointError: the config names no such data, or its classes are others.
        ValueError, OSError: what the data set raises.
    """
    loader = model.cfg.get('val_dataloader') or {}
    if 'type' not in loader.get('dataset', {}):
        raise CheckpointError(
            f'{model.checkpoint.path}: its config has no val_dataloader; give the config file'
        )
    dataset = build_dataset(model.cfg, 'val_dataloader', model.classes)
    model.checkpoint.check_classes(dataset.metainfo['classes'], "the data's")
    size, workers = loader.get('batch_size', 16), loader.get('num_workers', 0)
    batches = DataLoader(dataset, size, num_workers=workers, collate_fn=list)
    logits, targets = [], []
    with contextlib.closing(Bar('images', len(dataset))) as bar:
        for packed in batches:
            logits.append(model.logits(packed))
            samples = [item['data_samples'] for item in packed]
            targets += [label_vector(sample, len(model.classes)).numpy() for sample in samples]
            bar.reach(len(targets))
    return np.concatenate(logits), np.stack(targets).astype(np.int8)


def of_file(scores: ScoresFile, path: str, model: LoadedModel) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels of the scores file, which must be those of the model's weights."""
    checkpoint = model.checkpoint
    if scores.sha256 and scores.sha256 != checkpoint.sha256:
        seen = f'sha256 of the weights {scores.sha256[:12]}, expected {checkpoint.sha256[:12]}'
        raise ValueError(f'{path}: the scores are not those of {checkpoint.path} ({seen})')
    if not scores.sha256:
        said = f'{path} does not name its weights; taken for those of {checkpoint.path}'
        print(said, file=sys.stderr)
    checkpoint.check_classes(scores.class_names.tolist(), f"{path}'s")
    return scores.scores, scores.targets


def calibrated_metadata(model: LoadedModel, record: dict) -> dict:
    """The checkpoint's metadata, or new one, with the calibration and the config."""
    source = model.checkpoint.source
    known = {key: value for key, value in model.checkpoint.metadata.items() if value is not None}
    if SOURCES[source].licence:
        known = {'source': source, **known}
    licence = SOURCES[source].licence or 'No licence stated.'
    new = make_metadata(model.checkpoint.weights, model.classes, licence, model.cfg)
    return {**new, **known, 'calibration': record}


def print_record(record: dict, classes: tuple[str, ...], labels: np.ndarray) -> None:
    """Before and after, every threshold, and what was not reached."""
    images, (held_out, before, after) = record['images'], record['held_out'].values()
    objective, temperature = record['objective'], record['temperature']
    pooled, missed = record['pooled'], record['not_reached']
    console = Console(width=100, highlight=False, markup=False)
    print(f'Objective {objective}, {record["scope"]}; {images} images, {len(classes)} classes.')
    numbers = [Column(name, justify='right') for name in ('before', 'after')]
    measured = f'fitted on {images - held_out} images, measured on {held_out}'
    table = Table(measured, *numbers, box=None)
    for name, value in before.items():
        table.add_row(name, f'{value:.4g}', f'{after[name]:.4g}')
    console.print(table)
    print(f'Stored, fitted on all {images} images: temperature {temperature:.4g}, thresholds:')
    table = Table('threshold', 'class', 'positives', 'note', box=None)
    for name, threshold, column in zip(classes, record['thresholds'], labels.T):
        note = 'shared ' * (name in pooled) + 'target not reached' * (name in missed)
        table.add_row(f'{threshold:.4f}', printable(name), str((column == 1).sum()), note)
    console.print(table)
    if min(temperature / COLDEST, HOTTEST / temperature) < 1.01:
        print('The temperature is at its limit: are these scores and labels right?')
    reasons = {
        f'shared: too few positives, chosen on {record["pooled_over"]}': pooled,
        f'{objective} is reached at no threshold, the nearest was taken': missed,
    }
    for reason, names in reasons.items():
        if names:
            print(f'{reason}: {printable(", ".join(names))}')
