"""Write a checkpoint's weights and metadata alone, without the training state, to pass them on."""

import argparse
import os

from mlgcn.checkpoints import CheckpointError, load, make_metadata, save_weights
from mlgcn.checkpoints.sources import SOURCES


def main(args: argparse.Namespace) -> None:
    checkpoint = load(args.source)
    checkpoint.check_finite()
    checkpoint.check_sha256()
    metadata = checkpoint.metadata
    if SOURCES[checkpoint.source].licence and not metadata:
        raise CheckpointError(f'{args.source}: not ours; use mlgcn convert')
    if not metadata:  # saved without MetadataHook
        metadata = make_metadata(checkpoint.weights, checkpoint.classes, 'No licence stated.')
    if args.licence:
        metadata = {**metadata, 'licence': args.licence}
    save_weights(args.target, checkpoint.weights, metadata, force=args.force)
    print(
        f'{args.target}: {os.path.getsize(args.target) / 2**20:.1f} MiB of '
        f'{os.path.getsize(args.source) / 2**20:.1f}; sha256 of the weights {metadata["sha256"]}'
    )
