"""Options of the commands that train and score.

These files import no torch, so that help and mistyped options take no second. A docstring is what
`mlgcn COMMAND --help` prints.
"""

import os

from .options import RUN, KeyValue, Parser, add

# as mlgcn.evaluation and mlgcn.apis.comparison have them, which import torch
PROTOCOLS = ('addgcn', 'gkgnet')
EVALUATORS = (
    *('asl', 'ml_decoder', 'query2label', 'csra', 'csra_wider', 'mmpretrain', 'voc2007', 'voc2010'),
    *('torchmetrics', 'sklearn', 'openimages'),
)
PRF = ('CP', 'CR', 'CF1', 'OP', 'OR', 'OF1')
METRICS = ('mAP', *PRF, *(f'{name}_top3' for name in PRF))
HEADS = (
    'probed_csra', 'linear', 'pooled', 'addgcn', 'gkgnet', 'csra', 'ml_gcn', 'ml_decoder',
    'query2label', 'ctran',
)  # fmt: skip


def train(parser: Parser) -> None:
    """Train the model of a config: mlgcn train CONFIG --seed 0.

    Several GPUs: bash tools/dist_train.sh CONFIG N; with slurm: tools/slurm_train.sh.
    """
    add(parser, *RUN)
    parser.add_argument(
        '--resume', nargs='?', const='auto', help='go on from CKPT, or the latest of the work dir'
    )
    parser.add_argument(
        '--features', metavar='DIR', help="on a frozen backbone's features, of mlgcn features"
    )
    parser.add_argument(
        '--finetune', metavar='CKPT',
        help='second step for own photographs: train the frozen backbone too, from the first '
        "step's CKPT",
    )  # fmt: skip
    add(parser, '--force', help='start anew where the work dir has checkpoints')
    add(parser, '--seed', help='seed of weights, order and augmentation')


def features(parser: Parser) -> None:
    """Store a frozen backbone's maps of all photographs, for mlgcn train --features.

    mlgcn features own_linear photos/train.csv photos/val.csv --out features
    mlgcn train own_linear --features features --cfg-options own.train=... own.val=...

    Every image is stored as picture and mirror image, in half precision. A killed command goes on.
    """
    add(parser, 'config', '--cfg-options', '--trust-checkpoint')
    parser.add_argument(
        'data', nargs='*', metavar='DATA',
        help='lists of training, validation and test photographs, as own.train, own.val, own.test',
    )  # fmt: skip
    add(parser, '--out', required=True, metavar='DIR', help='the folder to write')
    parser.add_argument(
        '--stages', nargs='+', type=int, metavar='I', help="stages of the backbone (the config's)"
    )
    add(parser, '--force', help='replace the features in the folder')


def find_lr(parser: Parser) -> None:
    """Find a learning rate: the loss while the rate grows from batch to batch, as a picture.

    mlgcn find-lr addgcn_scenes --out find_lr.png

    Smith's range test (arXiv 1506.01186): one short training that is thrown away. A good rate lies
    where the loss falls steepest; where it turns, training begins to diverge.
    """
    option = parser.add_argument
    add(parser, 'config', '--amp', '--cfg-options', '--trust-checkpoint')
    add(parser, '--seed', help='seed of weights, order and augmentation (0)', default=0)
    option('--first', type=float, default=1e-6, help='lowest rate (1e-6)')
    option('--last', type=float, default=1.0, help='highest rate (1)')
    option('--batches', type=int, default=100, help='batches to train (100)')
    add(parser, '--out', default='find_lr.png', help='the picture (find_lr.png)')
    add(parser, '--force')


def compare(parser: Parser) -> None:
    """Which head is best on these photographs? All trained on a frozen backbone's features.

    mlgcn compare own.train=photos/train.csv own.val=photos/val.csv --out compared

    Every head trains by its shipped recipe, with every seed, on all folds but one of the training
    photographs; the pick has the best scores on the folds left out. Then all train on the whole and
    are scored once on own.val. A killed command goes on. Photographs of one occasion stay in one
    fold: own.group=folder, or own.group=COLUMN of a CSV; without it, those that look alike.
    """
    option = parser.add_argument
    option('data', nargs='+', action=KeyValue, default={}, metavar='own.KEY=VALUE',
        help='own.train=LIST own.val=LIST [own.images=DIR] [own.group=folder|COLUMN]')  # fmt: skip
    option('--heads', nargs='+', default=HEADS, metavar='HEAD',
        help=f'of {" ".join(HEADS)}, or configs with one frozen backbone')  # fmt: skip
    backbones = "frozen models of timm, with weights in FILE or fetched (the recipe's)"
    option('--backbones', nargs='+', default=['recipe'], metavar='NAME[=FILE]', help=backbones)
    option('--sizes', nargs='+', type=int, default=[320], metavar='PIXELS', help='of images (320)')
    option('--losses', nargs='+', default=['recipe'], metavar='LOSS',
        help="classes of losses of mlgcn, such as ASL (the recipe's)")  # fmt: skip
    option('--seeds', type=int, default=3, metavar='N', help='trainings of each (3)')
    option('--folds', type=int, default=5, metavar='N', help='of the training photographs (5)')
    curves = 'all heads on a quarter and a half of the photographs, not the pick'
    option('--curves', action='store_true', help=curves)
    option('--objective', default='f1', help='of the thresholds, see mlgcn calibrate (f1)')
    option('--workers', type=int, default=os.cpu_count(), metavar='N', help='trainings at a time')
    add(parser, '--out', default='compared', metavar='DIR', help='(compared)')
    add(parser, '--cfg-options')


def test(parser: Parser) -> None:
    """Score a checkpoint: mlgcn test CONFIG CKPT --metrics mAP CF1 (or all)."""
    option = parser.add_argument
    add(parser, *RUN)
    option('checkpoint', help='of mlgcn train, or published (checkpoint/README.md)')
    option(
        '--metrics', nargs='+', default=['mAP'], choices=[*METRICS, 'all'], metavar='NAME',
        help='mAP CF1 OF1 ..., or all',
    )  # fmt: skip
    option('--protocol', choices=[*PROTOCOLS, *EVALUATORS], help="whose metrics (the config's)")
    option('--per-class', action='store_true', help='also print the per-class table')
    add(parser, '--tta')
    add(parser, '--out', help='write file names, classes, scores and targets here (.npz)')
    add(parser, '--force')


def score(parser: Parser) -> None:
    """Score a file of mlgcn test --out again, under one protocol or all of them.

    mlgcn score val.npz --protocol all
    mlgcn score val.npz --protocol mmpretrain --per-class
    mlgcn score val.npz --annotations instances_val2014.json
    """
    option = parser.add_argument
    option('scores', metavar='SCORES.npz', help='from mlgcn test --out')
    option(
        '--protocol', default='all', choices=['all', *PROTOCOLS, *EVALUATORS], metavar='NAME',
        help=f'all, {", ".join((*PROTOCOLS, *EVALUATORS))} (default: all)',
    )  # fmt: skip
    option(
        '--annotations', help="COCO json or VOC folder with boxes, for mAP by the objects' sizes"
    )
    option('--per-class', action='store_true', help="one protocol's AP of every class")


def report(parser: Parser) -> None:
    """Write one HTML page about the scores of one or more runs.

    mlgcn test CONFIG CKPT --out addgcn.npz
    mlgcn report addgcn.npz baseline.npz --annotations instances_val2014.json
    """
    option = parser.add_argument
    option('scores', nargs='+', metavar='SCORES.npz', help='from mlgcn test --out')
    add(parser, '--out', default='report.html', help='the page (report.html)')
    add(parser, '--force')
    option('--names', nargs='+', help='name of each run (its file stem)')
    option('--images', metavar='DIR', help='the photographs, if not where the scores file says')
    option('--annotations', help="COCO json or VOC folder with boxes, for AP by the objects' sizes")
    option('--protocol', choices=PROTOCOLS, help="whose metrics (the scores files' own)")
    option('--common-images', action='store_true', help='leave out images that not all runs have')
    option('--replicates', type=int, default=1000, help='of the bootstrap (1000)')
    add(parser, '--seed', default=0, help='of the bootstrap')


def benchmark(parser: Parser) -> None:
    """Time and memory of a config's model with random weights, or of its data loaders.

    mlgcn benchmark gkgnet_coco_576 --image-size 576 --compare plain --what forward train
    mlgcn benchmark addgcn_scenes --what loader test_loader
    mlgcn benchmark --suite gpu --out results

    --compare plain adds GKGNet step by step as published, --compare fuse the model as `predict
    --fuse` runs it. Forms run in turns, because the speed of a shared machine drifts. Several image
    sizes, batch sizes or numbers of classes make a row each. --suite measures everything at fixed
    sizes, in minutes, and writes DIR/SUITE.md and DIR/SUITE.json. See docs/performance.md.
    """
    option = parser.add_argument
    add(parser, 'config', nargs='?')
    add(parser, '--cfg-options')
    add(parser, '--device', help='cpu or cuda (cpu; of --suite gpu: a GPU where there is one)')
    option('--suite', choices=['cpu', 'gpu'], help='instead of a config')
    add(parser, '--out', metavar='DIR', help='where --suite writes')
    whats = ['forward', 'train', 'loader', 'test_loader']
    option('--what', nargs='+', choices=whats, default=whats[:2])
    option('--compare', choices=['plain', 'fuse'], help='run both in turns')
    for name, value in (('image-size', 448), ('batch-size', 1), ('num-classes', 80)):
        option(f'--{name}', nargs='+', type=int, default=[value], help=f'({value})')
    option('--threads', type=int, help='of torch (all)')
    option('--repeat', type=int, default=5, help='measurements of each (5)')
    option('--bf16', action='store_true', help='under bfloat16 autocast')
    option('--profile', action='store_true', help="also print the operators' times")
