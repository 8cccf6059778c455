"""The report: self-contained, well-formed, the metrics' own numbers, every label marked rightly."""

import html
import json
import re
import runpy
import sys

import numpy as np
import pytest
from html_page import Page
from paths import TESTS
from PIL import Image

from mlgcn.evaluation import (
    METRIC_NAMES,
    ScoresFile,
    bootstrap_scores,
    draw_images,
    interval,
    multilabel_scores,
    scores_by_size,
)
from mlgcn.visualization import write_report
from mlgcn.visualization.runs import load_runs

NAMES = ['cat', '<script>alert(1)</script>', 'hen']
TARGETS = np.array([[1, 0, 0], [0, 1, 1], [1, -1, 0]], np.int8)
FIRST = np.array([[3, -1, 1], [-2, 2, -4], [1, 2, -1]], np.float32)
SECOND = np.float32(5.0 * TARGETS - 1)
FILES = [f'photos/{i}.png' for i in range(3)]


def save(path, scores, targets, names=NAMES, files=FILES, protocol='addgcn'):
    ScoresFile(np.array(files), np.array(names), np.float32(scores), targets, protocol).save(path)
    return path


@pytest.fixture
def runs(tmp_path):
    (tmp_path / 'photos').mkdir()
    for i in range(3):
        Image.new('RGB', (900, 60), (80 * i, 90, 90)).save(tmp_path / f'photos/{i}.png')
    return {'A<1>': save(tmp_path / 'first.npz', FIRST, TARGETS),
            'B': save(tmp_path / 'second.npz', SECOND, TARGETS)}  # fmt: skip


def report(tmp_path, runs, **options):
    options = {'images': tmp_path, 'replicates': 20, **options}
    write_report(runs, tmp_path / 'new/report.html', **options)
    text = (tmp_path / 'new/report.html').read_text()
    return text, Page(text)


def test_self_contained_and_escaped(runs, tmp_path):
    text, page = report(tmp_path, runs, title='A & B')
    assert len([link for link in page.links if link.startswith('data:image/jpeg')]) > 3
    assert '<title>A &amp; B</title>' in text and 'A<1>' not in text and '<script>a' not in text
    assert len(page.scripts) == 2 and 'alert' not in ''.join(page.scripts)
    assert text.count('<img') == text.count(' alt="') and 'lang="en"' in text
    assert 'light-dark(' in text and '@media print' in text


@pytest.mark.parametrize('protocol', ['addgcn', 'gkgnet'])
def test_metrics_are_the_libraries(runs, tmp_path, protocol):
    text, page = report(tmp_path, runs, protocol=protocol, seed=5)
    draws = draw_images(3, 20, 5)
    rows = {row[0]: row for row in page.rows}
    for column, scores in ((1, FIRST), (2, SECOND)):
        result = multilabel_scores(scores, TARGETS, protocol)
        sample = bootstrap_scores(scores, TARGETS, protocol, draws)
        for name in METRIC_NAMES:
            low, high = np.clip(interval(sample.values[name], result[name]), 0, 100)
            cells = rows[name.replace('_', ' ')]
            assert cells[column] == f'{result[name]:.2f} [{low:.1f}, {high:.1f}]'
            assert cells[3:5] == [protocol, '3']
        for name, ap, number in zip(NAMES, result.ap, result.positives):
            assert rows[name][1] == str(number)
            assert rows[name][1 + column] == f'{ap:.1f}'
    assert '20 bootstrap replicates over the images, seed 5' in text
    assert ('logit ≥ 0' if protocol == 'addgcn' else 'sigmoid(logit) ≥ 0.5') in text


def test_comparison(runs, tmp_path):
    _, page = report(tmp_path, runs)
    first, second = (multilabel_scores(s, TARGETS)['mAP'] for s in (FIRST, SECOND))
    (row,) = (row for row in page.rows if row[0] == 'B − A<1>')
    assert row[1].startswith(f'{second - first:+.2f} [') and 'ahead in' in row[1]
    _, page = report(tmp_path, {'A': runs['B']})
    assert 'comparison' not in page.ids


def test_curve_data(runs, tmp_path):
    _, page = report(tmp_path, runs)
    data = json.loads(page.scripts[0])
    assert set(data) == {'micro', 'macro', '0', '1', '2'}
    assert all(len(lines) == 2 for lines in data.values())
    result = multilabel_scores(FIRST, TARGETS)
    first = data['0'][0]
    assert first['points'] == '50,100 100,100' and first['circle'] == [100, 100]
    circles = [data[k][0]['circle'] for k in '012']
    assert circles == [[100, 100], [100, 100], [0, 0]]  # the difficult label is left out
    for key, names in (('micro', ('OR', 'OP')), ('macro', ('CR', 'CP'))):
        assert data[key][0]['circle'] == [round(result[name], 1) for name in names]


def test_photographs(runs, tmp_path):
    text, page = report(tmp_path, runs)
    b_right, a_first = 'B ✓ cat 98 %', 'A<1> ✓ cat 95 % ✗ hen 73 %'
    false, missed, *rest = page.cards
    assert false == f'✗ hen 0.png true: cat {a_first} {b_right}'
    assert missed == (
        f'○ hen 1.png true: {NAMES[1]}, hen A<1> ✓ {NAMES[1]} 88 % ○ hen 2 % '
        f'B ✓ {NAMES[1]} 98 % ✓ hen 98 %'
    )
    assert [re.search(r'(\d)\.png', card).group(1) for card in rest] == ['1', '0', '2']
    assert rest[2].endswith(f'A<1> ? <script>alert(1)</script> 88 % ✓ cat 73 % {b_right}')
    assert 'Worst false predictions (1 images have one)' in ' '.join(page.headings)


def test_missing_photographs_are_told(runs, tmp_path):
    (tmp_path / 'photos/1.png').unlink()
    (tmp_path / 'photos/2.png').write_bytes(b'no picture')
    with pytest.warns(UserWarning, match=r'2 of 3 photographs cannot be read, e\.g\. .*1\.png'):
        text, page = report(tmp_path, runs)
    assert '2 of 3 photographs cannot be read' in text
    assert sum('photograph cannot be read' in card for card in page.cards) == 3


def test_pairs(tmp_path):
    rng = np.random.default_rng(0)
    targets = np.zeros((40, 3), np.int8)
    targets[:20, 0] = targets[:10, 1] = targets[30:, 2] = 1
    scores = np.where(targets == 1, 2.0, -2.0) + rng.normal(size=(40, 3)) * 0.1
    scores[10:14, 1] = 1  # 4 of the 10 images with the first label only
    path = save(tmp_path / 's.npz', scores, targets, files=[f'{i}' for i in range(40)])
    with pytest.warns(UserWarning, match='cannot be read'):
        _, page = report(tmp_path, {'run': path})
    row = next(row for row in page.rows if row[:2] == ['cat', NAMES[1]])
    assert row[2:] == ['50.0 %', '10', f'4 = 40.0 % ({400 / 30:.1f} %)']
    never = next(row for row in page.rows if row[0] == 'never')
    assert never[1] == '4' and next(r for r in page.rows if r[0] == 'over 40 to 100 %')[1] == '1'


def test_sizes(runs, tmp_path):
    boxes = [(1, 1, 20), (1, 2, 20), (2, 2, 50), (2, 3, 200), (3, 1, 40)]
    data = {
        'images': [{'id': i + 1, 'file_name': f'{i}.png'} for i in range(3)],
        'categories': [{'id': k + 1, 'name': name} for k, name in enumerate(NAMES)],
        'annotations': [{'id': i, 'image_id': image, 'category_id': k, 'bbox': [0, 0, side, side]}
                        for i, (image, k, side) in enumerate(boxes)],
    }  # fmt: skip
    (tmp_path / 'boxes.json').write_text(json.dumps(data))
    _, page = report(tmp_path, runs, annotations=tmp_path / 'boxes.json')
    areas = np.array([[400, 400, 0], [0, 2500, 40000], [1600, 0, 0]])
    bands = [scores_by_size(s, TARGETS, areas, 'addgcn') for s in (FIRST, SECOND)]
    rows = {row[0]: row[1:] for row in page.rows}
    for name in ('small', 'medium', 'large'):
        number = bands[0][name].positives
        means = [f'{band[name].mean_ap:.1f}' for band in bands]
        assert rows[name] == [str(number.sum()), str((number > 0).sum()), *means]


@pytest.mark.parametrize('protocol, ap, told', [
    ('addgcn', '–', 'left out of mAP'), ('gkgnet', '0.0', 'counted as 0 in mAP')])  # fmt: skip
def test_class_without_positives(tmp_path, protocol, ap, told):
    targets = np.int8([[1, 0], [0, 0]])
    path = save(tmp_path / 's.npz', FIRST[:2, :2], targets, NAMES[:2], FILES[:2], protocol)
    with pytest.warns(UserWarning, match='cannot be read'):
        text, page = report(tmp_path, {'run': path}, images=None)
    assert next(row for row in page.rows if row[0] == NAMES[1])[1:3] == ['0', ap]
    words = ' '.join(text.split())
    assert told in words and 'nan' not in words.lower().replace('isnan', '')


def test_single_class(runs, tmp_path):
    path = save(tmp_path / 'one.npz', FIRST[:, :1], TARGETS[:, :1], ['cat'])
    text, _ = report(tmp_path, {'run': path})
    assert 'One class has no pairs' in text


@pytest.mark.filterwarnings('error::RuntimeWarning')
@pytest.mark.parametrize('scores, targets', [
    ([[np.inf, -np.inf], [-np.inf, np.inf]], [[1, 0], [1, 0]]),
    ([[1, -1]], [[1, 1]]), ([[1, -1]], [[1, -1]]), ([[-9, -9], [-9, -9]], [[0, 1], [1, 0]]),
])  # fmt: skip
def test_extremes(tmp_path, scores, targets):
    names, files = ['a', 'b'], [f'{i}.jpg' for i in range(len(scores))]
    path = save(tmp_path / 's.npz', scores, np.int8(targets), names, files)
    for protocol in ('addgcn', 'gkgnet'):
        with pytest.warns(UserWarning, match='cannot be read'):
            report(tmp_path, {'run': path}, protocol=protocol)


def test_many_classes_stay_small(runs, tmp_path):
    rng = np.random.default_rng(0)
    targets = (rng.random((200, 1000)) < 0.02).astype(np.int8)
    files = ['photos/0.png'] + [f'photos/{i}' for i in range(1, 200)]
    scores = rng.normal(size=targets.shape) + 3 * targets
    names = [f'label {k}' for k in range(1000)]
    many = {
        f'r{r}': save(tmp_path / f'{r}.npz', scores + r * targets, targets, names, files)
        for r in range(2)
    }
    with pytest.warns(UserWarning, match='cannot be read'):
        text, page = report(tmp_path, many)
    assert len(text) < 3e6 and 'and' in page.cards[0] and 'more' in page.cards[0]
    assert sum(row[0].startswith('label') for row in page.rows) >= 1000


def test_runs_are_put_into_one_order(runs, tmp_path):
    order, columns = [2, 0, 1], [1, 2, 0]
    other = save(tmp_path / 'other.npz', SECOND[order][:, columns], TARGETS[order][:, columns],
                 [NAMES[k] for k in columns], [FILES[i] for i in order])  # fmt: skip
    (_, second), left_out = load_runs({'A': runs['A<1>'], 'C': other})
    np.testing.assert_array_equal(second.file.scores, SECOND)
    assert second.file.class_names.tolist() == NAMES and left_out == 0


def test_common_images(runs, tmp_path):
    part = save(tmp_path / 'part.npz', SECOND[1:], TARGETS[1:], files=FILES[1:])
    both = {'A': runs['A<1>'], 'part': part}
    with pytest.raises(ValueError, match='part.npz: its 2 images are not the 3 .*2 in common'):
        load_runs(both)
    loaded, left_out = load_runs(both, common_images=True)
    assert left_out == 1 and [len(run.file.file_names) for run in loaded] == [2, 2]
    np.testing.assert_array_equal(loaded[0].file.scores, FIRST[1:])


@pytest.mark.parametrize('change, words', [
    (dict(names=['a', 'b', 'c']), 'its 3 classes are not the 3 .*a, b, c, cat'),
    (dict(targets=abs(TARGETS)), r"labels differ .*photos/2.png, class '<script>.* is 1 and -1"),
    (dict(files=['x', 'y', 'z']), 'have no image in common, e.g. x and photos/0.png'),
    (dict(files=['x', 'x', 'z']), "the image 'x' occurs more than once"),
    (dict(names=['a', 'b', 'a']), "the class 'a' occurs more than once"),
    (dict(protocol='gkgnet'), "two protocols .*'addgcn'.*'gkgnet'.*--protocol"),
])  # fmt: skip
def test_other_data_are_refused(runs, tmp_path, change, words):
    path = save(tmp_path / 'c.npz', FIRST, **{'targets': TARGETS, **change})
    with pytest.raises(ValueError, match=words):
        load_runs({'A': runs['A<1>'], 'C': path})


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*args):
        monkeypatch.setattr(sys, 'argv', ['report.py', *map(str, args)])
        try:
            runpy.run_path(str(TESTS.parent / 'tools/report.py'), run_name='__main__')
        except SystemExit as stop:
            assert stop.code == 2
        return capsys.readouterr()

    return run


def test_command(runs, tmp_path, command):
    out = tmp_path / 'report.html'
    told = command(*runs.values(), '--out', out, '--images', tmp_path, '--replicates', 9).out
    assert f'Wrote {out}' in told
    text = html.unescape(out.read_text())
    assert 'second − first' in text and '9 bootstrap replicates' in text
    assert 'warning: 3 of 3 photographs cannot be read' in command(
        runs['B'], '--out', out, '--replicates', 9, '--force').err  # fmt: skip


def test_wrong_commands_end_with_one_line(runs, tmp_path, command):
    (tmp_path / 'text.npz').write_text('text')
    voc = save(tmp_path / 'voc.npz', FIRST, TARGETS, protocol='voc')
    first = runs['B']
    for args, words in (
        ([tmp_path / 'none.npz'], 'none.npz: no such scores file'),
        ([tmp_path / 'text.npz'], 'text.npz: not a scores file'),
        ([voc], "voc.npz: protocol is 'voc'"),
        ([first, first], '2 scores files, but --names'),
        ([first, first, '--names', 'a', 'b'], 'a scores file is given twice'),
        ([first, '--replicates', 0], 'expected at least 2'),
        ([first, '--images', tmp_path / 'no'], 'no such folder of photographs'),
        ([first, '--annotations', tmp_path / 'no'], 'no such annotations'),
    ):
        error = command(*args, '--out', tmp_path / 'x.html').err
        assert words in error and 'Traceback' not in error
    assert not (tmp_path / 'x.html').exists()
