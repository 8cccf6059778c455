"""Texts, json and the checks that all layouts share."""

import pytest

from mlgcn.datasets.annotations import AnnotationError, four_numbers, read_json, read_text


@pytest.mark.parametrize('raw', [b'a\nb', b'\xef\xbb\xbfa\r\nb', b'a\rb'])
def test_marks_and_line_ends_are_left_out(tmp_path, raw):
    (tmp_path / 'a').write_bytes(raw)
    assert read_text(tmp_path / 'a') == 'a\nb'


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'{"images": [', 'json'),
        (b'\xff\xfe\x00', 'UTF-16'),
        (b'\xe9t\xe9', 'UTF-8'),
        (b'PK\x03\x04\x14\0', 'workbook'),
        (b'[' * 100_000, 'json'),
        (b'[' + b'9' * 5000 + b']', 'json'),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "'b' more than once"),
    ],
)
def test_what_is_no_json_is_said(tmp_path, content, words):
    (tmp_path / 'list.json').write_bytes(content)
    with pytest.raises(AnnotationError, match=f'list.json.*{words}'):
        read_json(tmp_path / 'list.json')


def test_a_box_of_other_things_than_four_numbers():
    assert four_numbers(['1', 2, 3.5, 4]) == (1, 2, 3.5, 4)
    for wrong in ([1, 2, 3], [1, 2, 3, 'x'], None, [1, 2, 3, None]):
        assert all(value != value for value in four_numbers(wrong))  # NaN


BOMB = 'a: &a [x, x]\n' + ''.join(
    f'{b}: &{b} [*{a}, *{a}]\n' for a, b in zip('abcdefgh', 'bcdefghi')
)


@pytest.mark.parametrize(
    ('content', 'words'),
    [(BOMB, 'aliases'), ('[' * 100_000, 'YAML'), ('!!python/name:os.system', 'YAML')],
    ids=['bomb', 'deep', 'code'],
)
def test_yaml(tmp_path, content, words):
    path = tmp_path / 'list.yaml'
    path.write_text('data_list:\n- {img_path: "a*b.jpg", gt_label: [0]}\n')
    assert read_json(path) == {'data_list': [{'img_path': 'a*b.jpg', 'gt_label': [0]}]}
    path.write_text(content)
    with pytest.raises(AnnotationError, match=f'list.yaml: .*{words}'):
        read_json(path)


def test_faults_of_one_kind_are_said_once():
    lines = [f'a.csv, line {i}: unknown class owl' for i in range(12)]
    told = str(AnnotationError(*lines, 'a.csv, line 90: no class', 'b.csv'))
    assert told.count('owl') == 1 and '9 more' in told and told.endswith('line 90: no class; b.csv')
