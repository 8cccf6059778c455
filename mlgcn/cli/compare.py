"""Which head is best on these photographs? Trained and measured on a frozen backbone's features."""

import argparse
import itertools
import shlex
import shutil
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger
from rich.console import Console
from rich.table import Table

from mlgcn.apis.candidates import Candidate
from mlgcn.apis.comparison import Comparison
from mlgcn.apis.head_runs import images_per_second, read_runs
from mlgcn.checkpoints import load, save_weights
from mlgcn.engine import console
from mlgcn.engine.launch import init_processes
from mlgcn.engine.runner import build_runner
from mlgcn.evaluation import Objective, ScoresFile, calibrate
from mlgcn.evaluation.comparison import ComparedScores
from mlgcn.visualization.drawing import picture, style
from mlgcn.visualization.label_figures import curves_figure
from mlgcn.visualization.page import Cell, data_uri, write_page
from mlgcn.visualization.report import write_report

SHARES = (0.25, 0.5)  # of the training photographs, beside all of them


def main(args: argparse.Namespace) -> None:
    Objective.parse(args.objective)  # an error now rather than after the work
    MMLogger.get_current_instance().setLevel('WARNING')
    console.once = set()  # every training would say again what was found out about the lists
    out = Path(args.out)
    comparison = Comparison(
        {**args.data, **args.cfg_options}, out, args.heads, args.sizes, args.losses,
        args.backbones, args.seeds, args.folds, args.workers,
    )  # fmt: skip
    candidates, seeds = comparison.candidates, comparison.seeds
    comparison.store_features()
    finals = {c: [comparison.final(c, seed) for seed in seeds] for c in candidates}
    inside = [run for seed in seeds for c in candidates for run in comparison.folds(c, seed)]
    comparison.train([*itertools.chain(*finals.values()), *inside], 'folds and whole split')
    held_out = {c.name: [comparison.held_out_logits(c, s) for s in seeds] for c in candidates}
    folds = comparison.compared(held_out, comparison.groups)
    pick = candidates[folds.best]
    shares = {
        (c, s): [comparison.part(c, seed, s) for seed in seeds]
        for c in (candidates if args.curves else [pick])
        for s in SHARES
    }
    comparison.train(list(itertools.chain(*shares.values())), 'parts of the training split')
    finished = {c: read_runs(runs) for c, runs in finals.items()}
    scores = {c.name: files for c, (files, _) in finished.items()}
    val = comparison.compared(scores, comparison.val_groups)
    curves = fraction_curves(comparison, shares, val)
    facts = {c.name: costs(comparison, c, finished[c][1]) for c in candidates}
    model = write_model(comparison, pick, held_out[pick.name][0], args.objective)
    best_runs = {c.name: str(finals[c][0].out) for c in candidates}
    write_report(best_runs, out / 'report.html')
    values = dict(
        rows=table_rows(folds, val, facts), classes=comparison.classes, folds=folds, val=val,
        curves=curves, curves_picture=curves_picture(curves), pick=pick.name,
        verdict=verdict(folds, curves[pick.name]), facts=facts,
        images=(len(comparison.groups), len(comparison.val_groups)), model=model,
        groups=(comparison.groups.max() + 1, comparison.val_groups.max() + 1),
        counts=(len(seeds), args.folds), command=command_of(pick),
    )  # fmt: skip
    write_page(out / 'comparison.html', 'comparison.html.j2', **values)
    print_summary(values)
    print(f'Wrote {out}/comparison.html, report.html, model.pth: mlgcn predict {model} PHOTOS')


def fraction_curves(
    comparison: Comparison, shares: dict[tuple[Candidate, float], list], val: ComparedScores
) -> dict[str, dict[float, list[float]]]:
    """Of each candidate with trainings on shares of the photographs: mAP on own.val by seed."""
    curves: dict[str, dict[float, list[float]]] = {}
    for (candidate, share), runs in shares.items():
        curve = curves.setdefault(candidate.name, {})
        curve[share] = [mean_ap(comparison, run) for run in runs]
        curve[1.0] = val.by_seed[comparison.candidates.index(candidate)].tolist()
    return curves


def costs(comparison: Comparison, candidate: Candidate, facts: list[dict]) -> dict[str, float]:
    """Seconds of a training, parameters, and images per second."""
    return dict(
        seconds=np.mean([fact['seconds'] for fact in facts]),
        parameters=facts[0]['parameters'],
        speed=images_per_second(comparison.cfgs[candidate], comparison.classes, candidate.size),
    )


def mean_ap(comparison: Comparison, run) -> float:
    """mAP of one training on own.val."""
    (file,), _ = read_runs([run])
    return float(comparison.compared({'': [file]}, comparison.val_groups).mean[0])


def table_rows(folds: ComparedScores, val: ComparedScores, facts: dict) -> list[list]:
    """Best first: folds, difference to the pick, val, seconds, parameters, images per second."""
    rows = []
    for i in np.argsort(-folds.mean):
        name, (low, high), (vlow, vhigh) = folds.names[i], folds.interval(i), val.interval(i)
        value, dlow, dhigh = folds.difference(i, folds.best)
        fact, is_pick = facts[name], i == folds.best
        difference = (
            Cell('the pick')
            if is_pick
            else Cell(f'{value:+.1f}', f'{dlow:+.1f} to {dhigh:+.1f}', value)
        )
        rows.append([
            name,
            Cell(f'{folds.mean[i]:.1f}', f'{low:.1f} to {high:.1f}', folds.mean[i], 100),
            difference,
            Cell(f'{val.mean[i]:.1f}', f'{vlow:.1f} to {vhigh:.1f}', val.mean[i]),
            Cell(f'{fact["seconds"]:.0f}', '', fact['seconds']),
            Cell(f'{fact["parameters"] / 1e6:.2f} M', '', fact['parameters']),
            Cell(f'{fact["speed"]:.0f}', '', fact['speed']),
        ])  # fmt: skip
    return rows


def curves_picture(curves: dict[str, dict[float, list[float]]]) -> str:
    """A data URI of the picture of label-fraction curves."""
    with style(curves):
        return data_uri(picture(curves_figure(curves)))


def verdict(folds: ComparedScores, curve: dict[float, list[float]]) -> list[str]:
    """The pick, how sure it is, and whether more photographs would help."""
    best, order = folds.best, np.argsort(-folds.mean)
    share = folds.share_best(best)
    lines = [
        f'Pick: {folds.names[best]}, chosen on the folds of the training photographs alone. It is '
        f'the best in {100 * share:.0f} % of the replicates that draw occasions and seeds anew.'
    ]
    if len(order) > 1:
        value, low, high = folds.difference(best, order[1])
        sure = 'is separated from' if low > 0 else 'is not separated from'
        lines.append(
            f'It {sure} {folds.names[order[1]]}, the second: {value:+.1f} mAP, {low:+.1f} to '
            f'{high:+.1f}.'
        )
    gain, spread = np.mean(curve[1.0]) - np.mean(curve[0.5]), np.ptp(curve[1.0])
    helps = 'more should help' if gain > max(spread, 0.5) else 'more of the same may not help'
    lines.append(f'Twice as many photographs (50 to 100 %) gave {gain:+.1f} mAP: {helps}.')
    return lines


def write_model(
    comparison: Comparison, pick: Candidate, held_out: ScoresFile, objective: str
) -> Path:
    """Train the pick with the first seed as `mlgcn train` does; `model.pth` and its config.

    Temperature and thresholds are chosen on scores of training photographs by models that did not
    see them.
    """
    cfg, out = pick.cfg(), comparison.out
    cfg.randomness = dict(seed=comparison.seeds[0], deterministic=True)
    cfg.work_dir, cfg.log_level = str(out / 'pick'), 'WARNING'
    cfg.default_hooks.checkpoint.save_best = None
    cfg.features = dict(folder=str(comparison.stores[pick.features].folder))
    init_processes(cfg, 'none')
    runner = build_runner(cfg)
    runner.train()
    checkpoint = load(out / 'pick' / f'epoch_{runner.max_epochs}.pth')
    logits, targets = held_out.scores, held_out.targets.astype(np.int8)
    record, _ = calibrate(logits, targets, comparison.classes, objective)
    metadata = {**checkpoint.metadata, 'calibration': record}
    save_weights(out / 'model.pth', checkpoint.weights, metadata, force=True)
    pick.cfg().dump(out / 'model.py')
    shutil.rmtree(out / 'pick')
    return out / 'model.pth'


def command_of(pick: Candidate) -> str:
    """The command that trains the pick again, from images."""
    given = ' '.join(shlex.quote(f'{key}={value}') for key, value in pick.options)
    return f'mlgcn train {pick.config.stem} --seed 0 --cfg-options {given}'


def print_summary(values: dict) -> None:
    """The table and the verdict, in the terminal."""
    titles = ('head', 'mAP on folds', 'to the pick', 'on own.val', 's', 'parameters', 'images/s')
    table = Table(*titles, box=None)
    for row in values['rows']:
        cells = (f'{c.text} [{c.note}]' if c.note else c.text for c in row[1:])
        table.add_row(row[0], *cells)
    console = Console(width=120, highlight=False, markup=False)
    console.print(table, markup=False)
    for line in values['verdict']:
        console.print(line)
