"""The published lists are read, and nothing that a hostile file asks for is done."""

import json
import os
import pickle
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlgcn.checkpoints.published_lists import read_published_list
from mlgcn.datasets import CocoMultiLabel
from mlgcn.datasets.annotations import AnnotationError

ROOT = Path(__file__).parents[2]
FACTS = json.loads((ROOT / 'tests/data/data.json').read_text())
LABELS = (np.random.RandomState(0).uniform(size=(5, 80)) < 0.05).astype(np.int64)
LABELS[3] = 0  # an image without labels stays in


def records(dtype='i8'):
    return [
        {'file_name': f'COCO_val2014_{i:012d}.jpg', 'objects': row.astype(dtype)}
        for i, row in enumerate(LABELS)
    ]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content))
    return path


@pytest.mark.parametrize('dtype', ['i8', 'i4', 'u1', 'f4', 'f8', 'bool'])
@pytest.mark.parametrize('protocol', [2, 3, 4])
def test_reads_the_protocols_of_python_2_and_3(tmp_path, protocol, dtype):
    path = write(tmp_path / 'val_test.data', pickle.dumps(records(dtype), protocol))
    names, labels = read_published_list(path)
    assert names == [record['file_name'] for record in records()]
    np.testing.assert_array_equal(labels, LABELS)
    assert labels.dtype == np.uint8


@pytest.mark.parametrize('package', [b'numpy.core', b'numpy._core'])
def test_reads_files_of_numpy_1_and_2(tmp_path, package):
    other = pickle.dumps(records(), protocol=2)
    other = other.replace(b'numpy._core', package).replace(b'numpy.core', package)
    assert package + b'.multiarray\n' in other
    np.testing.assert_array_equal(read_published_list(write(tmp_path / 'a', other))[1], LABELS)


class Calls:
    """Pickles to a call of `function(*arguments)`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def touch(path):
    return f'__import__("pathlib").Path({str(path)!r}).touch()'


@pytest.mark.parametrize('place', ['whole', 'record', 'vector', 'key'])
@pytest.mark.parametrize('protocol', [2, 4])
def test_hostile_calls_are_refused_by_name(tmp_path, protocol, place):
    marker = tmp_path / 'marker'
    call, content = Calls(eval, touch(marker)), records()
    if place == 'whole':
        content = call
    elif place == 'record':
        content[2] = call
    else:
        content[2]['objects' if place == 'vector' else call] = call
    path = write(tmp_path / 'train.data', pickle.dumps(content, protocol))
    with pytest.raises(ValueError, match=r'train\.data: refused: .*builtins\.eval'):
        read_published_list(path)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Calls(eval, touch(marker))))  # noqa: S301
    assert marker.exists()  # the file would have done harm


def test_a_reference_to_a_tensor_is_refused(tmp_path):
    path = write(
        tmp_path / 'a.data', b'\x80\x02(X\x07\0\0\0storage)X\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ.'
    )
    with pytest.raises(ValueError, match='refused: it refers to a tensor'):
        read_published_list(path)


def change(key, value):
    content = records()
    content[4][key] = value
    return content


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({}, 'expected a list of dicts, seen a dict'),
        ([], 'seen an empty list'),
        ([1], 'record 0: .* seen the keys none'),
        ([{'file_name': 'a.jpg'}], 'record 0: .* seen the keys file_name'),
        (change('file_name', 7), "record 4: expected a string 'file_name'"),
        (change('objects', [0] * 80), "record 4: .* numpy vector 'objects'"),
        (
            change('objects', np.zeros(20)),
            r'record 4: .*expected 80 values .* seen \(20,\): \[0.0\]',
        ),
        (change('objects', np.full(80, -1)), r'of 0 or 1 .* seen \(80,\): \[-1\]'),
        (change('objects', np.zeros((80, 1))), r'record 4: .* seen \(80, 1\)'),
        (b'\x80\x04]\x94', 'whole pickled list'),
        (b'\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.', 'whole pickled list'),
        (b'{"images": []}', 'refused: its pickle uses'),
        (b'', 'whole pickled list'),
    ],
)
def test_other_files_get_one_clear_line(tmp_path, content, message):
    path = write(tmp_path / 'train.data', content)
    with pytest.raises(ValueError, match=message) as error:
        read_published_list(path)
    assert str(path) in str(error.value) and '\n' not in str(error.value)


@pytest.fixture
def convert(monkeypatch):
    """A function that runs the tool."""

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['convert_lists.py', *map(str, arguments)])
        runpy.run_path(str(ROOT / 'tools/convert_lists.py'), run_name='__main__')

    return run


def test_converted_list_is_a_coco_data_set(tmp_path, convert, capsys):
    source, target = write(tmp_path / 'val_test.data', records()), tmp_path / 'val.json'
    for record in records():
        Image.new('RGB', (48, 32)).save(tmp_path / record['file_name'])
    convert(source, target)
    assert f'5 images, {LABELS.sum()} labels' in capsys.readouterr().out
    data = CocoMultiLabel(ann_file=str(target), data_prefix=str(tmp_path))
    assert list(data.metainfo['classes']) == FACTS['classes_gkgnet']
    np.testing.assert_array_equal([item['gt_score'] for item in data], LABELS)


def test_the_tool_refuses_in_one_line(tmp_path, convert, capsys):
    there, new = write(tmp_path / 'there.json', b''), tmp_path / 'new.json'
    good = write(tmp_path / 'good.data', records())
    hostile = write(tmp_path / 'bad.data', Calls(eval, touch(tmp_path / 'marker')))
    for source, target, message in (
        (good, there, 'there.json exists already'),
        (tmp_path / 'no.data', new, 'No such file'),
        (hostile, new, 'bad.data: refused: it asks for builtins.eval'),
    ):
        with pytest.raises(SystemExit, match='2'):
            convert(source, target)
        assert message in capsys.readouterr().err.splitlines()[0]
    assert not new.exists() and not (tmp_path / 'marker').exists()


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'train.data')
    with pytest.raises(AnnotationError, match='train.data: not a regular file'):
        read_published_list(tmp_path / 'train.data')
