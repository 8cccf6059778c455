"""The report's numbers are those of mlgcn.evaluation."""

import numpy as np
import pytest
from score_files import FIRST, NAMES, SECOND, TARGETS, save

from mlgcn.evaluation import (
    METRIC_NAMES,
    bootstrap_scores,
    draw_images,
    interval,
    multilabel_scores,
    scores_by_size,
)
from mlgcn.visualization.report_numbers import ReportNumbers
from mlgcn.visualization.runs import load_runs


@pytest.mark.parametrize('protocol', ['addgcn', 'gkgnet'])
def test_metrics_and_classes(runs, protocol):
    numbers = ReportNumbers(load_runs(runs, protocol)[0], 20, 5)
    metrics = {row[0]: row[1:] for row in numbers.metric_rows()}
    classes = {row[0]: row[1:] for row in numbers.class_rows()}
    for r, scores in enumerate((FIRST, SECOND)):
        result = multilabel_scores(scores, TARGETS, protocol)
        sample = bootstrap_scores(scores, TARGETS, protocol, draw_images(3, 20, 5))
        for name in METRIC_NAMES:
            low, high = np.clip(interval(sample.values[name], result[name]), 0, 100)
            row = metrics[name.replace('_', ' ')]
            assert row[r][:2] == (f'{result[name]:.2f}', f'[{low:.1f}, {high:.1f}]')
        for name, ap, positives in zip(NAMES, result.ap, result.positives):
            assert classes[name][0] == str(positives) and classes[name][1 + r].text == f'{ap:.1f}'


def test_comparison_is_paired(runs):
    (row,) = ReportNumbers(load_runs(runs)[0], 20, 0).comparison_rows()
    results = [multilabel_scores(s, TARGETS)['mAP'] for s in (FIRST, SECOND)]
    draws = draw_images(3, 20, 0)
    first, second = (bootstrap_scores(s, TARGETS, 'addgcn', draws) for s in (FIRST, SECOND))
    gap = results[1] - results[0]
    low, high = interval(second.values['mAP'] - first.values['mAP'], gap)
    assert row[0] == 'B − A<1>' and row[1].text == f'{gap:+.2f}'
    assert row[1].note.replace('−', '-').startswith(f'[{low:+.1f}, {high:+.1f}]\nahead in')


def test_curves(runs):
    curves = list(ReportNumbers(load_runs(runs)[0], 20, 0).curves())
    assert len(curves) == 2 + 3 and all(len(drawn) == 2 for drawn in curves)
    (micro, _), (macro, _), (cat, _), (difficult, _), (hen, _) = curves
    assert cat == {'points': '50,100 100,100', 'decided': (100, 100)}
    # the difficult label is left out of class 1; class 2 has one false prediction and one miss
    assert difficult['decided'] == (100, 100) and hen['decided'] == (0, 0)
    result = multilabel_scores(FIRST, TARGETS)
    for curve, names in ((micro, ('OR', 'OP')), (macro, ('CR', 'CP'))):
        assert curve['decided'] == tuple(round(result[name], 1) for name in names)


def test_calibrated_thresholds_decide(tmp_path):
    calibration = dict(temperature=2.0, thresholds=np.float32([0.9, 0.3, 0.2]))
    path = save(tmp_path / 's.npz', FIRST, TARGETS, **calibration)
    (run,), _ = load_runs({'run': path})
    expected = 1 / (1 + np.exp(-FIRST / 2)) >= calibration['thresholds']
    assert (run.predicted == expected).all() and (run.predicted != (FIRST >= 0)).any()
    assert ((run.margins >= 0) == expected).all()
    numbers = ReportNumbers([run], 20, 0)
    rows = {row[0]: row[1] for row in numbers.metric_rows()}
    hits, positives = (expected & (TARGETS == 1)).sum(), (TARGETS == 1).sum()
    assert rows['OR calibrated'].number == pytest.approx(100 * hits / positives, abs=1e-3)
    assert rows['OR'].number == pytest.approx(multilabel_scores(FIRST, TARGETS)['OR'], abs=1e-3)
    assert numbers.calibrated == ['run']
    assert not ReportNumbers(load_runs({'run': save(path, FIRST, TARGETS)})[0], 9, 0).calibrated


def test_pairs(tmp_path):
    rng = np.random.default_rng(0)
    targets = np.zeros((40, 3), np.int8)
    targets[:20, 0] = targets[:10, 1] = targets[30:, 2] = 1
    scores = np.where(targets == 1, 2.0, -2.0) + rng.normal(size=(40, 3)) * 0.1
    scores[10:14, 1] = 1  # 4 of the 10 images with the first label only
    path = save(tmp_path / 's.npz', scores, targets, files=[f'{i}' for i in range(40)])
    numbers = ReportNumbers(load_runs({'run': path})[0], 20, 0)
    row = next(row for row in numbers.pair_rows() if row[:2] == ['cat', NAMES[1]])
    assert row[2:4] == ['50.0 %', '10']
    assert row[4][:2] == ('4 = 40.0 %', f'({400 / 30:.1f} %)')
    assert [row[:2] for row in numbers.bin_rows()] == [
        ['never', '4'], ['over 40 to 100 %', '1']
    ]  # fmt: skip


def test_sizes(runs):
    areas = np.array([[400, 400, 0], [0, 2500, 40000], [1600, 0, 0]])
    numbers = ReportNumbers(load_runs(runs)[0], 20, 0, areas)
    bands = [scores_by_size(s, TARGETS, areas, 'addgcn') for s in (FIRST, SECOND)]
    rows = {(name, size): cells for name, size, *cells in numbers.size_rows()}
    for size in ('small', 'medium', 'large'):
        positives, *means = rows['all', size]
        assert positives == str(bands[0][size].positives.sum())
        assert [mean.text for mean in means] == [f'{band[size].mean_ap:.1f}' for band in bands]
    positives, *aps = rows['cat', 'small']
    assert positives == '1' and aps[0].text == f'{bands[0]["small"].ap[0]:.1f}'
    assert ('cat', 'large') not in rows
