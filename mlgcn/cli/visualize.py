"""Draw what a model looked at: one HTML page, and PNGs beside it.

mlgcn visualize work_dirs/addgcn_scenes/best.pth street.jpg --out seen
mlgcn visualize gkgnet_coco_576 gkgnet.pth street.jpg --out seen --labels person cup

ADD-GCN: attention, the graph among the labels, edge ablation. GKGNet: the patches that the labels
chose, edge ablation, the neighbours of a patch. All but ADD-GCN: class activation maps.
docs/visualize.md explains the pictures.
"""

import argparse
from pathlib import Path

from mlgcn.apis.inputs import list_images
from mlgcn.atomic_files import refuse_existing
from mlgcn.visualization.explanation_page import write_explanations

from . import options


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add(parser, 'model', metavar='[CONFIG] CKPT IMAGE|FOLDER|GLOB')
    options.add(parser, '--out', required=True, help='folder for page and PNGs')
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--labels', nargs='+', metavar='NAME', default=[], help='classes to draw')
    options.add(which, '--threshold', '--top-k')
    patch = (
        'GKGNet: pixel of the picture that the model saw (its size stands on the page), whose '
        "patch's neighbours are drawn (each label's strongest patch)"
    )
    parser.add_argument('--patch', metavar='X,Y', type=pixel, help=patch)
    options.add(parser, '--force', '--device', '--cfg-options', '--trust-checkpoint')
    options.add(parser, '--known', '--absent')


def pixel(text: str) -> tuple[int, int]:
    x, y = text.split(',')
    return int(x), int(y)


def main(args: argparse.Namespace) -> None:
    *_, words = options.split_model(args.model, images=True)
    refuse_existing(Path(args.out, 'index.html'), args.force)
    images = [file.path for file in list_images(words)]
    loaded = options.load_model(args)
    decision = loaded.decision(args.threshold, args.top_k)
    page = write_explanations(loaded, images, args.out, decision, args.labels, args.patch)
    print(f'{page}: open it in a browser; PNGs in the folders beside it (images: {len(images)})')
