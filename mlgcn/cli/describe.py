"""Say what a file of weights is: its passport, or what a published file's names and shapes tell.

mlgcn describe FILE
"""

import argparse
import json
import os

from mlgcn.apis import Calibration
from mlgcn.checkpoints import about, describe, fingerprint, unwrap
from mlgcn.checkpoints.safe_load import safe_load

from . import options


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('file', help='checkpoint, published or ours (.pth, .pth.tar, .safetensors)')
    parser.add_argument('--config', action='store_true', help="also print the passport's config")
    options.add(parser, '--trust-checkpoint')


def main(args: argparse.Namespace) -> None:
    with about(args.file):
        loaded = safe_load(args.file, 'cpu')
        weights = unwrap(loaded)
    numbers = sum(value.numel() for value in weights.values())
    bad = [k for k, v in weights.items() if v.is_floating_point() and not v.isfinite().all()]
    meta = loaded.get('meta')
    passport = meta.get('passport') if isinstance(meta, dict) else None
    sha256 = fingerprint(weights)

    lines = {
        'file': f'{args.file}, {os.path.getsize(args.file) / 2**20:.1f} MiB',
        'weights': f'{len(weights)} entries, {numbers:,} numbers',
        **describe(weights),
    }
    if isinstance(passport, dict):
        lines.update(passport)
        config = lines.pop('config', None)
        if lines.pop('calibration', None) is not None:
            lines['calibration'] = calibration_text(passport)
        lines['config'] = config if args.config else f'{len(config or "")} characters (--config)'
        stated = passport.get('sha256')
        lines['sha256'] = f'{sha256} as stated' if stated == sha256 else f'{sha256}, NOT {stated}'
    else:
        lines['sha256'] = f'{sha256} (no passport)'
    if bad:
        lines['NaN or infinite'] = f'{len(bad)} entries, e.g. {bad[0]}'
    for name, value in lines.items():
        text = value if isinstance(value, str) else json.dumps(value)
        print(f'{name:15}', ''.join(c if c.isprintable() else '?' for c in text))


def calibration_text(passport: dict) -> str:
    """Objective, temperature and every class's threshold."""
    try:
        classes = list(map(str, passport['classes']))
        calibration = Calibration.from_metadata(passport, len(classes))
        shared = [str(name) for name in passport['calibration'].get('pooled', ())]
    except (ValueError, KeyError, TypeError) as error:
        return f'DAMAGED: {error}'
    listed = [f'{name} {value:.4f}' for name, value in zip(classes, calibration.thresholds)]
    text = f'{calibration.source}, temperature {calibration.temperature:.4g}; thresholds: '
    text += ', '.join(listed)
    return text + (f'; shared by classes with few positives: {", ".join(shared)}' if shared else '')
