"""Score a file of mlgcn test --out again, under one protocol or all of them."""

import argparse
import math
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from mlgcn.evaluation import PROTOCOLS, ScoresFile, scores_by_size
from mlgcn.evaluation.metric import tie_warning
from mlgcn.evaluation.object_areas import object_areas
from mlgcn.evaluation.published import EVALUATORS, compare_protocols, published_scores
from mlgcn.messages import printable

SHOWN = ('mAP', 'CP', 'CR', 'CF1', 'OP', 'OR', 'OF1', 'CF1_top3', 'OF1_top3')


def main(args: argparse.Namespace) -> None:
    file = ScoresFile.load(args.scores)
    print_tables(args, file)
    if warning := tie_warning(file.scores, file.targets, file.class_names):
        print(printable(f'warning: {warning}'))


def print_tables(args: argparse.Namespace, file: ScoresFile) -> None:
    """One protocol's table, or all of them side by side."""
    if args.protocol != 'all':
        result = published_scores(file.scores, file.targets, args.protocol, file.class_names)
        print(printable(result.table(per_class=args.per_class)))
        by_size(file, args.annotations, [args.protocol])
        return
    results, sentence = compare_protocols(file.scores, file.targets, file.class_names)
    unknown = sum(np.count_nonzero(row == -1) for row in file.targets) / file.targets.size
    table = Table('protocol', 'classes', *SHOWN, title=f'{args.scores}: metrics in %')
    for name, result in results.items():
        known = sum(not math.isnan(ap) for ap in result.ap)
        cells = (_cell(result, metric) for metric in SHOWN)
        table.add_row(name, str(known), *cells)
    console = Console(width=None if Console().is_terminal else 120)
    console.print(table)
    for name, evaluator in EVALUATORS.items():
        console.print(f'{name:12} {evaluator.words}', highlight=False)
    if unknown:
        console.print(f'{unknown:.1%} of the labels are unknown (-1).', highlight=False)
    console.print(sentence, highlight=False)
    by_size(file, args.annotations, PROTOCOLS)


def by_size(file: ScoresFile, annotations: str | None, protocols: Sequence[str]) -> None:
    """Print mAP in % of small, medium and large objects under `PROTOCOLS`."""
    if not annotations:
        return
    areas = object_areas(annotations, file.file_names, file.class_names)
    for name in protocols:
        if name not in PROTOCOLS:
            raise ValueError(f'AP by size has the protocols {", ".join(PROTOCOLS)}; seen {name}')
        bands = scores_by_size(file.scores, file.targets, areas, name)
        cells = (f'{band} {b.mean_ap:.2f} ({b.positives.sum():,})' for band, b in bands.items())
        print(f'mAP by size (positives), {name}: {", ".join(cells)}')


def _cell(result, metric: str) -> str:
    if metric in result.errors:
        return 'error'
    value = result.values.get(metric)
    return '' if value is None else f'{value:.2f}'
