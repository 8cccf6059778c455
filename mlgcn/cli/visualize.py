"""Draw what a model looked at: one HTML page, and PNGs beside it."""

import argparse
from pathlib import Path

from mlgcn.apis.inputs import list_images
from mlgcn.atomic_files import refuse_existing
from mlgcn.visualization.explanation_page import write_explanations

from . import arguments


def main(args: argparse.Namespace) -> None:
    config, checkpoint, words = arguments.split_model(args.model, images=True)
    refuse_existing(Path(args.out, 'index.html'), args.force)
    images = [file.path for file in list_images(words)]
    loaded = arguments.load_model(args, config, checkpoint)
    decision = loaded.decision(args.threshold, args.top_k)
    page = write_explanations(loaded, images, args.out, decision, args.labels, args.patch)
    print(f'{page}: open it in a browser; PNGs in the folders beside it (images: {len(images)})')
