#!/usr/bin/env python
"""Draw what a model looked at: one HTML page, and PNGs beside it.

python tools/visualize.py work_dirs/addgcn_scenes/best.pth street.jpg --out seen
python tools/visualize.py gkgnet_coco_576 gkgnet.pth street.jpg --out seen --labels person cup

ADD-GCN: attention, the graph among the labels, edge ablation. GKGNet: the patches that the labels
chose, edge ablation, the neighbours of a patch. All but ADD-GCN: class activation maps.
docs/visualize.md tells how to read the pictures.
"""

import argparse
import contextlib
import re
import sys

from mmengine.config import DictAction

from mlgcn.apis import MultiLabelInferencer, is_config
from mlgcn.apis.image_list import list_images
from mlgcn.apis.inferencer import check_decision
from mlgcn.cli.options import add_trust_option, run
from mlgcn.visualization.explanation import write_explanations


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        usage='%(prog)s [options] [CONFIG] CKPT IMAGE|FOLDER|GLOB ... --out DIR',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'words',
        nargs='+',
        metavar='[CONFIG] CKPT IMAGE',
        help="config (a file, or a shipped one's name; not needed for mlgcn's own checkpoints), "
        'checkpoint, then files, folders or globs',
    )
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for page and PNGs')
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--labels', nargs='+', metavar='NAME', default=[], help='classes to draw')
    which.add_argument(
        '--threshold',
        type=float,
        help="draw the labels from this probability on (the checkpoint's thresholds, or 0.5)",
    )
    which.add_argument('--top-k', type=int, metavar='K', help='draw the K most probable labels')
    parser.add_argument(
        '--patch',
        metavar='X,Y',
        help='GKGNet: pixel of the picture that the model saw (its size stands on the page), whose '
        "patch's neighbours are drawn (each label's strongest patch)",
    )
    parser.add_argument('--device', help='e.g. cpu or cuda:1 (a GPU where there is one)')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE'
    )
    add_trust_option(parser)
    args = parser.parse_intermixed_args()
    args.config = args.words.pop(0) if is_config(args.words[0]) else None
    if len(args.words) < 2:
        parser.error('expected a checkpoint and at least one image')
    return args


def main() -> None:
    args = parse_args()
    check_decision(args.threshold, args.top_k)
    patch = None
    if args.patch is not None:
        if not re.fullmatch(r'-?\d+,-?\d+', args.patch):
            raise ValueError(f'--patch {args.patch}: expected a pixel as X,Y, e.g. 120,64')
        patch = tuple(map(int, args.patch.split(',')))
    checkpoint, *arguments = args.words
    images = [file.path for file in list_images(arguments)]
    with contextlib.redirect_stdout(sys.stderr):  # upstream's log
        inferencer = MultiLabelInferencer(
            args.config or checkpoint,
            checkpoint if args.config else None,
            args.device,
            args.threshold,
            args.top_k,
            args.cfg_options,
        )
    page = write_explanations(inferencer, images, args.out, args.labels, patch)
    count = '1 photograph' if len(images) == 1 else f'{len(images)} photographs'
    print(f'{page}: open it in a browser; {count}, PNGs in the folders beside it')


if __name__ == '__main__':
    run(main)
