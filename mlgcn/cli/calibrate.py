"""Choose temperature and thresholds on the validation split, and put them into the checkpoint.

mlgcn calibrate CONFIG CKPT --objective f1
mlgcn calibrate CKPT --scores val.npz --objective precision=0.9 --out calibrated.pth

CONFIG is a file or a shipped config's name. Both numbers are first fitted on half of the images and
measured on the other half (the table); those that are stored are then fitted on all of them.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path

import numpy as np

from mlgcn.apis import LoadedModel, load_model
from mlgcn.checkpoints import CheckpointError, make_metadata, save_weights
from mlgcn.checkpoints.atomic_files import write_atomically
from mlgcn.checkpoints.metadata import LICENCES
from mlgcn.evaluation import Objective, ScoresFile, calibrate
from mlgcn.evaluation.calibration import COLDEST, HOTTEST
from mlgcn.visualization.label_figures import reliability_diagram

from . import options

LISTED = 40


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add(parser, *options.MODEL)
    parser.add_argument(
        '--objective', default='f1', help='f1, f2, precision=P, recall=R or cost=FP:FN (f1)'
    )
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument(
        '--per-class', action='store_true', default=True, help='a threshold per class (default)'
    )
    scope.add_argument(
        '--global',
        dest='per_class',
        action='store_false',
        help='one threshold, for the objective over all decisions',
    )
    parser.add_argument(
        '--min-positives',
        type=int,
        default=10,
        help='classes with fewer positives share a pooled threshold (10)',
    )
    options.add(parser, '--seed', default=0, help='of the split into halves (0)')
    parser.add_argument(
        '--scores', help="the checkpoint's scores, written by mlgcn test --out FILE.npz"
    )
    out = parser.add_mutually_exclusive_group()
    options.add(out, '--out', help='.pth or .safetensors to write (CKPT with _calibrated)')
    out.add_argument('--in-place', action='store_true', help='write into CKPT itself')
    parser.add_argument('--diagram', help='reliability diagram, .png (beside the checkpoint)')
    options.add(parser, '--device', default='cpu', help='e.g. cuda:1 (cpu)')


def main(args: argparse.Namespace) -> None:
    args.config, args.checkpoint, _ = options.split_model(args.model)
    Objective.parse(args.objective)  # an error now rather than after the work
    if args.min_positives < 1:
        raise ValueError(f'--min-positives is {args.min_positives}, expected at least 1')
    target, diagram = targets(args)
    scores = ScoresFile.load(args.scores) if args.scores else None
    if scores is None and args.config is None:
        raise CheckpointError(
            'the validation images are named in a config: give CONFIG CKPT, or CKPT --scores FILE'
        )
    with contextlib.redirect_stdout(sys.stderr):  # upstream's log
        model = load_model(args.config, args.checkpoint, args.device, args.cfg_options)
        logits, labels = model.dataset_logits() if scores is None else of_file(scores, args, model)
    record, diagrams = calibrate(
        logits, labels, model.classes, args.objective, args.per_class, args.min_positives, args.seed
    )
    tell(record, model.classes, labels)
    write_atomically(diagram, reliability_diagram(list(diagrams.items())))
    loaded = model.checkpoint
    save_weights(
        target, loaded.weights, calibrated_metadata(model, record), loaded.content, args.in_place
    )
    print(f'{target}: written; {diagram}: reliability on the held-out images')


def targets(args: argparse.Namespace) -> tuple[Path, Path]:
    """Where checkpoint and diagram go; an error now rather than after the work."""
    source = Path(args.checkpoint)
    if not source.is_file():
        raise FileNotFoundError(f'{source}: no such checkpoint file')
    suffix = '.safetensors' if source.suffix == '.safetensors' else '.pth'
    stem = source.name.removesuffix('.tar').removesuffix(suffix)
    target = Path(args.out) if args.out else source.with_name(f'{stem}_calibrated{suffix}')
    if args.in_place:
        target = source
    elif target.exists():
        raise FileExistsError(f'{target} exists already; choose another --out, or --in-place')
    if target.suffix not in ('.pth', '.safetensors'):
        raise CheckpointError(f'{target}: expected a name that ends in .pth or .safetensors')
    diagram = Path(args.diagram or target.with_suffix('.reliability.png'))
    if diagram.suffix != '.png':
        raise ValueError(f'{diagram}: expected a name that ends in .png')
    for path in (target, diagram):
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise PermissionError(f'{path}: its folder does not exist or cannot be written to')
    return target, diagram


def of_file(
    scores: ScoresFile, args: argparse.Namespace, model: LoadedModel
) -> tuple[np.ndarray, np.ndarray]:
    model.checkpoint.check_classes(scores.class_names.tolist(), f"{args.scores}'s")
    return scores.scores, scores.targets


def calibrated_metadata(model: LoadedModel, record: dict) -> dict:
    """The checkpoint's metadata, or new one, with the calibration and the config."""
    source = model.checkpoint.source
    known = {key: value for key, value in model.metadata.items() if value is not None}
    if source in LICENCES:
        known = {'source': source, **known}
    licence = LICENCES.get(source, 'No licence stated.')
    new = make_metadata(model.checkpoint.weights, model.classes, licence, model.cfg)
    return {**new, **known, 'calibration': record}


def tell(record: dict, classes: tuple[str, ...], labels: np.ndarray) -> None:
    """The table, the thresholds, and what does not hold."""
    objective, images = record['objective'], record['images']
    held_out, before, after = record['held_out'].values()
    print(
        f'Objective {objective}, {record["scope"]}; {images} images, {len(classes)} classes.\n'
        f'Fitted on {images - held_out} images, measured on the other {held_out}:\n\n'
        f'{"":40}{"before":>10}{"after":>10}'
    )
    for name, value in before.items():
        print(f'{name:40}{value:10.4g}{after[name]:10.4g}')
    temperature, thresholds = record['temperature'], record['thresholds']
    print(f'\nStored, fitted on all {images} images: temperature {temperature:.4g}, thresholds')
    positives = (labels == 1).sum(axis=0)
    if record['scope'] != 'per class':
        print(f'  {thresholds[0]:.4f}  for every class')
    elif len(classes) > LISTED:
        low, middle, high = np.quantile(thresholds, (0, 0.5, 1))
        print(f'  {low:.4f} to {high:.4f}, median {middle:.4f}')
    else:
        for k, name in enumerate(classes):
            notes = [f'{positives[k]} positives']
            notes += ['shared'] if name in record['pooled'] else []
            notes += ['target not reached'] if name in record['not_reached'] else []
            print(f'  {thresholds[k]:.4f}  {name} ({", ".join(notes)})')
    if min(temperature / COLDEST, HOTTEST / temperature) < 1.01:
        print('The temperature is at its limit: are these scores and labels right?')
    if record['pooled']:
        print(
            f'{len(record["pooled"])} classes with few positives share a threshold chosen on '
            f'{record["pooled_over"]}: {", ".join(record["pooled"])}'
        )
    if record['not_reached']:
        print(
            f'{objective} is reached at no threshold by {len(record["not_reached"])} classes, '
            f'which get the nearest: {", ".join(record["not_reached"])}'
        )
