"""The page of explanations and its command."""

import re
from dataclasses import replace

import pytest
from conftest import NAMES
from html_page import Page
from PIL import Image

from mlgcn.apis import load_model
from mlgcn.visualization import write_explanations

CAM, ABLATION = 'Class activation maps', 'Edge ablation'
HEADINGS = {
    'addgcn': ['Attention', 'Graph', ABLATION],
    'gkgnet': ['Patches that the labels chose', 'Neighbours of a patch', ABLATION, CAM],
    'addgcn_pvig': ['Attention', 'Graph', ABLATION, 'Neighbours of a patch'],
    'avg': [CAM],
}
FIGURES = {'addgcn': 7, 'gkgnet': 3 * 3 + 1 + 3 * 3 + 3, 'addgcn_pvig': 7 + 3, 'avg': 3}


@pytest.mark.parametrize('kind', HEADINGS)
def test_page_and_pngs(kind, loaded, photo_file, tmp_path):
    labels = ['hen', NAMES[1], NAMES[3]]
    photos = [photo_file] * (2 if kind == 'avg' else 1)
    path = write_explanations(
        loaded[kind], photos, tmp_path / 'new/out', loaded[kind].decision(), labels
    )
    text = path.read_text()
    page = Page(text)
    assert '<b>cow' not in text and 'alert(1)' not in ''.join(page.scripts)
    assert page.headings == len(photos) * [str(photo_file), *HEADINGS[kind]]
    assert len(page.figures) == len(photos) * (FIGURES[kind] + 1)  # and the photographs themselves
    assert [row[0] for row in page.rows[1:4]] == sorted(labels, key=[r[0] for r in page.rows].index)
    for name in ('1_a_photo', '2_a_photo')[: len(photos)]:
        folder = path.parent / name
        sizes = [Image.open(png).size for png in folder.glob('*.png')]
        assert len(sizes) == FIGURES[kind] and min(map(min, sizes)) > 150
        with Image.open(folder / 'overview.jpg') as image:
            assert image.width <= 900 and image.height <= 480


def test_of_a_mirror_average_the_picture_is_explained(loaded, photo_file, tmp_path):
    path = loaded['avg'].checkpoint.path
    model = load_model(path, cfg_options={'model.type': 'mlgcn.MirrorAveragedClassifier'})
    tables = []
    for name, each in (('plain', loaded['avg']), ('averaged', model)):
        decision = replace(each.decision(), first_step=name == 'averaged')
        page = write_explanations(each, [photo_file], tmp_path / name, decision, ['hen'])
        for words in ('mirror image', 'before fine-tuning'):
            assert (words in page.read_text()) == (name == 'averaged')
        tables.append(Page(page.read_text()).rows)
    assert tables[0] == tables[1]


def test_command(loaded, photo_file, tmp_path, mlgcn):
    out, checkpoint = tmp_path / 'out', loaded['gkgnet'].checkpoint.path
    answer = mlgcn('visualize', checkpoint, photo_file.parent, '--out', out, '--top-k', 1)
    assert f'{out}/index.html: open it in a browser' in answer.out
    assert len(list(out.glob('1_a_photo/*.png'))) == 3 + 1 + 3 + 1


WRONG = [
    ('gkgnet', ['{photo}', '--labels', 'hens'], "'hens' among its 4; did you mean 'hen'"),
    ('gkgnet', ['{photo}', '--labels', 'zebra'], "'zebra' among its 4; it has cat, "),
    ('gkgnet', ['{photo}', '{broken}'], 'broken.jpg'),
    ('gkgnet', ['none.jpg'], 'none.jpg: no such file'),
    ('gkgnet', ['{photo}', '--patch', '64,3'], 'patch 64,3: outside .* 64 x 64 pixels'),
    ('gkgnet', ['{photo}', '--patch=-1,3'], 'patch -1,3: outside'),
    ('gkgnet', ['{photo}', '--patch', '3'], "--patch.*'3'"),
    ('avg', ['{photo}', '--patch', '3,3'], 'backbone has no graph of patches'),
    ('avg', ['{photo}', '--threshold', '2'], 'threshold is 2.0'),
    ('avg', ['{photo}', '--top-k', '9'], 'top_k is 9, but the model has 4 classes'),
    ('avg', ['{photo}', '--out', '{broken}'], 'broken.jpg'),
]


@pytest.mark.parametrize('kind, args, message', WRONG)
def test_wrong_input_is_one_line_and_status_2(
    kind, args, message, loaded, photo_file, tmp_path, mlgcn
):
    broken, out = tmp_path / 'broken.jpg', tmp_path / 'out'
    broken.write_bytes(b'no image')
    args = [arg.format(photo=photo_file, broken=broken) for arg in args]
    answer = mlgcn('visualize', loaded[kind].checkpoint.path, '--out', out, *args)
    assert answer.status == 2 and re.search(message, answer.error) and not out.exists()
