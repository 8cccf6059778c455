"""The report is self-contained, well-formed and escaped, whatever the scores are."""

import json
import os

import numpy as np
import pytest
from browser import CHROMIUM, Browser
from html_page import Page
from score_files import FILES, FIRST, NAMES, TARGETS, save

from mlgcn.visualization.report import galleries, write_report
from mlgcn.visualization.runs import load_runs


def report(tmp_path, runs, **options):
    options = {'images': tmp_path, 'replicates': 20, **options}
    write_report(runs, tmp_path / 'new/report.html', **options)
    text = (tmp_path / 'new/report.html').read_text()
    return text, Page(text)


def test_self_contained_and_escaped(runs, tmp_path):
    text, page = report(tmp_path, runs)
    assert len([link for link in page.links if link.startswith('data:image/jpeg')]) > 3
    assert 'A&lt;1&gt;' in text and 'A<1>' not in text and '<script>a' not in text
    assert len(page.scripts) == 1 and 'alert' not in ''.join(page.scripts)
    assert text.count('<img') == text.count(' alt="') and 'lang="en"' in text
    assert 'light-dark(' in text and '@media print' in text


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


def test_equal_scores_are_said(tmp_path):
    path = save(tmp_path / 's.npz', 0 * FIRST, TARGETS)
    with pytest.warns(UserWarning, match='run: 3 of 3 classes .* The rule for equal scores'):
        text, _ = report(tmp_path, {'run': path})
    assert 'The rule for equal scores' in text


def test_single_class(runs, tmp_path):
    path = save(tmp_path / 'one.npz', FIRST[:, :1], TARGETS[:, :1], ['cat'])
    text, _ = report(tmp_path, {'run': path})
    assert 'One class has no pairs' in text


@pytest.mark.filterwarnings('error::RuntimeWarning')
@pytest.mark.parametrize('scores, targets', [
    ([[3e38, -3e38], [-3e38, 3e38]], [[1, 0], [1, 0]]),
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


def test_command(runs, tmp_path, mlgcn):
    out, boxes = tmp_path / 'report.html', tmp_path / 'boxes.json'
    data = {
        'images': [{'id': i, 'file_name': f'{i}.png'} for i in range(3)],
        'categories': [{'id': k, 'name': name} for k, name in enumerate(NAMES)],
        'annotations': [{'id': 0, 'image_id': 0, 'category_id': 0, 'bbox': [0, 0, 9, 9]}],
    }
    boxes.write_text(json.dumps(data))
    args = ('report', *runs.values(), '--out', out, '--replicates', 9)
    assert f'Wrote {out}' in mlgcn(*args, '--images', tmp_path, '--annotations', boxes).out
    page = Page(out.read_text())
    assert ['all', 'small', '1'] in [row[:3] for row in page.rows]
    assert 'second − first' in [row[0] for row in page.rows]
    assert {'metrics', 'comparison', 'sizes', 'photographs'} <= set(page.ids)
    assert 'warning: 3 of 3 photographs cannot be read' in mlgcn(*args, '--force').err


def test_wrong_commands_end_with_one_line(runs, tmp_path, mlgcn):
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
        answer = mlgcn('report', *args, '--out', tmp_path / 'x.html')
        assert answer.status == 2 and words in answer.error
    assert not (tmp_path / 'x.html').exists()


def test_galleries(runs, tmp_path):
    loaded, _ = load_runs(runs)
    ((heading, (false,)), (_, (missed,)), (_, others)), unread = galleries(loaded, tmp_path)
    assert heading == 'Worst false predictions (1 images have one)' and not unread
    b_right = ([('right', 'cat', '98%')], 0)
    assert (false['name'], false['kind'], false['label']) == ('0.png', 'wrong', 'hen')
    assert false['true'] == 'cat' and false['uri'].startswith('data:image/jpeg;base64,')
    a_first = ([('right', 'cat', '95%'), ('wrong', 'hen', '73%')], 0)
    assert false['predictions'] == [a_first, b_right]
    assert (missed['name'], missed['kind'], missed['label']) == ('1.png', 'missed', 'hen')
    assert missed['predictions'][0][0] == [('right', NAMES[1], '88%'), ('missed', 'hen', '2%')]
    assert [card['name'] for card in others] == ['1.png', '0.png', '2.png']
    a_last = ([('unknown', NAMES[1], '88%'), ('right', 'cat', '73%')], 0)
    assert others[2]['predictions'] == [a_last, b_right] and not others[2]['label']


def test_missing_photographs_are_named(runs, tmp_path):
    (tmp_path / 'photos/1.png').unlink()
    os.mkfifo(tmp_path / 'photos/1.png')  # reading it would never end
    (tmp_path / 'photos/2.png').write_bytes(b'%!PS-Adobe-3.0 EPSF-3.0')  # Pillow runs Ghostscript
    with pytest.warns(UserWarning, match=r'2 of 3 photographs cannot be read, e\.g\. .*1\.png'):
        found, unread = galleries(load_runs(runs)[0], tmp_path)
    assert '2 of 3' in unread
    assert sum(card['uri'] is None for _, cards in found for card in cards) == 3


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason='Chromium is needed')
@pytest.mark.parametrize('width', [420, 1280])
def test_with_the_keyboard_in_a_browser(runs, tmp_path, width):
    report(tmp_path, runs)
    with Browser(tmp_path / 'profile', width) as browser:
        browser.open((tmp_path / 'new/report.html').as_uri())
        assert browser.run('document.documentElement.scrollWidth <= innerWidth')
        for _ in range(60):
            browser.press('Tab')
            if browser.run("document.activeElement.matches('.zoom')"):
                break
        browser.press('Enter')
        captions = [browser.run("document.querySelector('dialog figure').innerText")]
        browser.press('Tab')  # from Close to the browser's own controls: arrows work all the same
        for key in ('ArrowRight', 'ArrowLeft', 'ArrowLeft'):
            browser.press(key)
            captions.append(browser.run("document.querySelector('dialog figure').innerText"))
        assert captions[0] == captions[2] and len({*captions}) == 3
        browser.press('Escape')
        assert not browser.run('dialog.open')
        # the dialog's event comes later
        browser.until('document.activeElement === figures[shown]')
        browser.run("document.querySelectorAll('.sortable thead button')[1].focus()")
        browser.press('Enter')
        first = "document.querySelector('.sortable').tHead.rows[0].cells[1].ariaSort"
        assert browser.run(first) == 'descending'
        search = "field = document.querySelector('[type=search]'); field.value = 'no such class'"
        browser.run(f'{search}; field.oninput({{target: field}})')
        assert 'no class has' in browser.run("document.querySelector('[role=status]').textContent")
        assert not browser.errors
