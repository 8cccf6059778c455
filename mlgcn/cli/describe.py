"""Say what a file of weights is: its metadata, or what a published file's names and shapes tell."""

import argparse
import json
import os

from mlgcn.apis import Calibration
from mlgcn.checkpoints import describe, load
from mlgcn.messages import printable


def main(args: argparse.Namespace) -> None:
    checkpoint = load(args.file, published_names=True)
    weights, metadata, sha256 = checkpoint.weights, checkpoint.metadata, checkpoint.sha256
    numbers = sum(value.numel() for value in weights.values())
    bad = [k for k, v in weights.items() if v.is_floating_point() and not v.isfinite().all()]

    lines = {
        'file': f'{args.file}, {os.path.getsize(args.file) / 2**20:.1f} MiB',
        'weights': f'{len(weights)} entries, {numbers:,} numbers',
        **describe(weights),
    }
    if checkpoint.stated_classes and not metadata:
        lines['classes'] = (
            f'{len(checkpoint.stated_classes)}: {", ".join(checkpoint.stated_classes)}'
        )
    if metadata:
        lines.update(metadata)
        config = lines.pop('config', None)
        if lines.pop('calibration', None) is not None:
            lines['calibration'] = calibration_text(metadata)
        lines['config'] = (
            config if args.config else f'{len(str(config or ""))} characters (--config)'
        )
        stated = metadata.get('sha256')
        lines['sha256'] = f'{sha256} as stated' if stated == sha256 else f'{sha256}, NOT {stated}'
    else:
        lines['sha256'] = f'{sha256} (no metadata)'
    if bad:
        lines['NaN or infinite'] = f'{len(bad)} entries, e.g. {bad[0]}'
    for name, value in lines.items():
        text = value if isinstance(value, str) else json.dumps(value)
        print(printable(f'{name:15} {text}').replace('\n', ' '))


def calibration_text(metadata: dict) -> str:
    """Objective, temperature and every class's threshold."""
    try:
        classes = list(map(str, metadata['classes']))
        calibration = Calibration.from_metadata(metadata, len(classes))
        shared = [str(name) for name in metadata['calibration'].get('pooled', ())]
    except (ValueError, KeyError, TypeError) as error:
        return f'DAMAGED: {error}'
    listed = [f'{name} {value:.4f}' for name, value in zip(classes, calibration.thresholds)]
    parts = [f'{calibration.source}, temperature {calibration.temperature:.4g}']
    parts.append(f'thresholds: {", ".join(listed)}')
    parts += [f'shared by classes with few positives: {", ".join(shared)}'] * bool(shared)
    return '; '.join(parts)
