"""Draw what a model looked at: one HTML page, and PNGs beside it.

mlgcn visualize work_dirs/addgcn_scenes/best.pth street.jpg --out seen
mlgcn visualize gkgnet_coco_576 gkgnet.pth street.jpg --out seen --labels person cup

ADD-GCN: attention, the graph among the labels, edge ablation. GKGNet: the patches that the labels
chose, edge ablation, the neighbours of a patch. All but ADD-GCN: class activation maps.
docs/visualize.md explains the pictures.
"""

import argparse
import contextlib
import re
import sys

from mlgcn.apis import MultiLabelInferencer
from mlgcn.apis.image_list import list_images
from mlgcn.apis.inferencer import check_decision
from mlgcn.visualization.explanation_page import write_explanations

from . import options


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add(parser, 'model', metavar='[CONFIG] CKPT IMAGE|FOLDER|GLOB')
    options.add(parser, '--out', required=True, help='folder for page and PNGs')
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--labels', nargs='+', metavar='NAME', default=[], help='classes to draw')
    options.add(which, '--threshold', '--top-k')
    parser.add_argument(
        '--patch',
        metavar='X,Y',
        help='GKGNet: pixel of the picture that the model saw (its size stands on the page), whose '
        "patch's neighbours are drawn (each label's strongest patch)",
    )
    options.add(parser, '--device', '--cfg-options', '--trust-checkpoint')


def main(args: argparse.Namespace) -> None:
    config, checkpoint, words = options.split_model(args.model, images=True)
    check_decision(args.threshold, args.top_k)
    patch = None
    if args.patch is not None:
        if not re.fullmatch(r'-?\d+,-?\d+', args.patch):
            raise ValueError(f'--patch {args.patch}: expected a pixel as X,Y, e.g. 120,64')
        patch = tuple(map(int, args.patch.split(',')))
    images = [file.path for file in list_images(words)]
    with contextlib.redirect_stdout(sys.stderr):  # upstream's log
        inferencer = MultiLabelInferencer(
            config or checkpoint,
            checkpoint if config else None,
            args.device,
            args.threshold,
            args.top_k,
            args.cfg_options,
        )
    page = write_explanations(inferencer, images, args.out, args.labels, patch)
    count = '1 photograph' if len(images) == 1 else f'{len(images)} photographs'
    print(f'{page}: open it in a browser; {count}, PNGs in the folders beside it')
