"""Options of the commands about data.

These files import no torch, so that help and mistyped options take no second. A docstring is what
`mlgcn COMMAND --help` prints.
"""

import os

from .options import Parser, add

# as mlgcn.datasets.hidden_labels has them
RULES = ('partial', 'single', 'hill75', 'hill40', 'hill1', 'rps', 'fpc')


def check(parser: Parser) -> None:
    """Check the data of a config: mlgcn check CONFIG.

    Reads every image of the train, val and test set once, in full and in parallel, and their
    annotations. Prints a report and writes it to DIR/dataset_check.txt and, with every case,
    DIR/dataset_check.json. Ends with status 1 when it has errors: images that cannot be read or are
    damaged, unknown labels, files listed twice, images in several splits, boxes outside.
    """
    add(parser, 'config', '--cfg-options', '--work-dir', '--force')
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes that read')


def graph(parser: Parser) -> None:
    """Count how often the training labels of a config occur together, for ML-GCN's graph.

    mlgcn graph ml_gcn_coco_448 counts.npz
    mlgcn graph ml_gcn_own_lite0_224 counts.npz --cfg-options own.train=photos/train.csv

    ml_gcn configs count by themselves when they train. The file (nums, adj and classes) is for
    looking at the graph, and for training on other images with it: --cfg-options
    model.head.graph=counts.npz
    """
    add(parser, 'config')
    parser.add_argument('out', metavar='OUT', help='.npz file to write')
    parser.add_argument('--threshold', type=float, default=0.4, help='P(j | i) of an edge (0.4)')
    add(parser, '--cfg-options', '--force')


def hide_labels(parser: Parser) -> None:
    """Write a label file in which labels of a training set are removed, as a paper did.

    mlgcn hide-labels gkgnet_coco_576 kept10.csv partial 0.1
    mlgcn hide-labels addgcn_own_448 photos/one.csv single --cfg-options own.train=photos/train.csv

    The CSV has one column for each class: 1 present, 0 absent, -1 unknown. It is read as own.train,
    with the same own.images, or from the images' folder. OUT.json beside it keeps the rule, the
    seed and a hash. RULE and AMOUNTs:
      partial  share=0.1                known with this probability (SST, SARB, HST)
      single   positives=1 negatives=0  positives and negatives of an image that stay known; -1: all
                                        (Cole et al.)
      hill75                            75 % of the positives (Hill, SPLC)
      hill40                            40 % of the positives (Hill, SPLC)
      hill1                             one positive of an image (Hill, SPLC)
      rps      share=0.5                hidden with this probability (CSL)
      fpc      number=1000              positives, and negatives, of a class (CSL)
    """
    option = parser.add_argument
    add(parser, 'config')
    option('out', metavar='OUT.csv')
    option('rule', choices=RULES, metavar='RULE')
    option('amounts', nargs='*', type=float, metavar='AMOUNT')
    add(parser, '--seed', help='of the random numbers (the published one, or 0)')
    option(
        '--validation', metavar='CSV',
        help="cut a fifth of the images off (Cole et al.'s), and write its complete labels here",
    )  # fmt: skip
    add(parser, '--cfg-options', '--force')


def scenes(parser: Parser) -> None:
    """Write the built-in data set: generated pictures in COCO layout (mlgcn/datasets/scenes.py)."""
    option = parser.add_argument
    folder = os.path.join(os.environ.get('MLGCN_DATA', 'data'), 'scenes')
    option('out', metavar='DIR', nargs='?', default=folder, help=f'({folder})')
    add(parser, '--seed', default=0)
    option('--train', type=int, default=2400, metavar='N', help='(2400)')
    option('--val', type=int, default=600, metavar='N', help='(600)')
    option('--size', type=int, nargs=2, default=(128, 128), metavar=('W', 'H'))
