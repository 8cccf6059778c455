"""The page: self-contained, well-formed, the metrics' own numbers, every label marked rightly."""

import re
import runpy
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from paths import TESTS
from PIL import Image

from mlgcn.evaluation import ScoresFile, multilabel_scores
from mlgcn.visualization import write_page

NAMES = ['cat', 'dog & <b>cow</b>', 'hen']
TARGETS = np.array([[1, 0, 0], [0, 1, 1], [1, -1, 0]], np.int8)
FIRST = np.array([[3, -1, 1], [-2, 2, -4], [1, 2, -1]], np.float32)  # worst: image 1's hen, by 4


class Page(HTMLParser):
    """Collects links and the text of every card; fails on a tag that is not closed."""

    void = {'meta', 'img', 'rect'}

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.tags, self.cards = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ('src', 'href')]
        if tag == 'article':
            self.cards.append('')
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if 'article' in self.open:
            self.cards[-1] += ' ' + ' '.join(data.split())


@pytest.fixture
def runs(tmp_path):
    for i in range(3):
        Image.new('RGB', (900, 60), (80 * i, 90, 90)).save(tmp_path / f'{i}.png')
    files = [f'{i}.png' for i in range(3)]
    ScoresFile(files, NAMES, FIRST, TARGETS, 'addgcn').save(tmp_path / 'first.npz')
    ScoresFile(files, NAMES, 5.0 * TARGETS - 1, TARGETS, 'gkgnet').save(tmp_path / 'second.npz')
    return {'A<1>': tmp_path / 'first.npz', 'B': tmp_path / 'second.npz'}


def test_content(runs, tmp_path):
    write_page(runs, tmp_path / 'new/page.html', tmp_path, title='A & B')
    text = (tmp_path / 'new/page.html').read_text()
    page = Page(text)
    assert len(page.links) == 3 and all(x.startswith('data:image/jpeg') for x in page.links)
    assert not re.search(r'https?://|url\(|@import', text)
    assert '<title>A &amp; B</title>' in text and '<b>cow' not in text and 'A<1>' not in text
    for scores, protocol in ((FIRST, 'addgcn'), (5.0 * TARGETS - 1, 'gkgnet')):
        result = multilabel_scores(scores, TARGETS, protocol)
        cells = [f'{result[name]:.2f}' for name in ('mAP', 'CF1', 'OF1')]
        assert ''.join(f'<td>{cell}</td>' for cell in (*cells, protocol, '3')) in text
    first = multilabel_scores(FIRST, TARGETS, 'addgcn')
    widths = re.findall(r'<rect width="([\d.]+)" height="1" fill="var\(--run0\)"', text)
    assert widths == [f'{ap:.1f}' for ap in sorted(first.ap)]

    b_right = '✓ cat 98 %'
    assert [' '.join(card.split()) for card in page.cards] == [
        '1.png true: dog & <b>cow</b>, hen A<1> ✓ dog & <b>cow</b> 88 % ○ hen 2 % '
        'B ✓ dog & <b>cow</b> 98 % ✓ hen 98 %',
        f'0.png true: cat A<1> ✓ cat 95 % ✗ hen 73 % B {b_right}',
        f'2.png true: cat A<1> ? dog & <b>cow</b> 88 % ✓ cat 73 % B {b_right}',
    ]


def test_chooses_the_worst_and_a_spread(runs, tmp_path):
    n = 40
    wrong = np.arange(n, dtype=np.float32)[:, None] * np.array([[1, -1, -1]])
    target = np.tile(np.int8([0, 1, 0]), (n, 1))
    file = ScoresFile([f'{i}.png' for i in range(n)], NAMES, wrong, target, 'addgcn')
    file.save(tmp_path / 'many.npz')
    with pytest.warns(UserWarning, match=r'7 of 8 photographs cannot be read, e\.g\. .*39\.png'):
        write_page({'run': tmp_path / 'many.npz'}, tmp_path / 'p.html', tmp_path, num_images=8)
    cards = Page((tmp_path / 'p.html').read_text()).cards
    shown = [int(re.search(r'(\d+)\.png', card).group(1)) for card in cards]
    assert shown[:4] == [39, 38, 37, 36] and shown[4] == 35 and shown[-1] == 0


def test_runs_of_other_data_are_refused(runs, tmp_path):
    files = [f'{i}.png' for i in range(3)]
    ScoresFile(files, ['a', 'b', 'c'], FIRST, TARGETS, 'addgcn').save(tmp_path / 'c.npz')
    with pytest.raises(ValueError, match='c.npz: its class_names differ from those of .*first.npz'):
        write_page({**runs, 'C': tmp_path / 'c.npz'}, tmp_path / 'page.html')
    ScoresFile(files, NAMES, FIRST, abs(TARGETS), 'addgcn').save(tmp_path / 'c.npz')
    with pytest.raises(ValueError, match='its targets differ'):
        write_page({**runs, 'C': tmp_path / 'c.npz'}, tmp_path / 'page.html')


def command(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['page.py', *map(str, args)])
    runpy.run_path(str(TESTS.parent / 'tools/page.py'), run_name='__main__')


def test_command(runs, tmp_path, monkeypatch, capsys):
    out = tmp_path / 'page.html'
    command(monkeypatch, *runs.values(), '--out', out, '--image-root', tmp_path)
    assert f'Wrote {out}' in capsys.readouterr().out
    assert 'first</th>' in out.read_text() and 'second</th>' in out.read_text()
    with pytest.raises(SystemExit, match=r'error: .*none\.npz: no such scores file'):
        command(monkeypatch, tmp_path / 'none.npz')
    (tmp_path / 'text.npz').write_text('text')
    with pytest.raises(SystemExit, match=r'error: .*text\.npz: not a scores file'):
        command(monkeypatch, tmp_path / 'text.npz')
    ScoresFile(['0.png'] * 3, NAMES, FIRST, TARGETS, 'voc').save(tmp_path / 'voc.npz')
    with pytest.raises(SystemExit, match=r"error: .*voc\.npz: protocol is 'voc'"):
        command(monkeypatch, tmp_path / 'voc.npz')
    with pytest.raises(SystemExit):
        command(monkeypatch, *[tmp_path / 'first.npz'] * 2)
    assert '2 scores files need as many different --names' in capsys.readouterr().err
