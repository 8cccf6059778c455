"""The published lists are read, and nothing that a hostile file asks for is done."""

import json
import os
import pickle
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlgcn.datasets import CocoMultiLabel
from mlgcn.datasets.published_lists import read_published_list

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


@pytest.mark.parametrize('dtype', ['i8', '>i4', 'u1', 'f4', 'f8', 'bool'])
@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_reads_every_protocol(tmp_path, protocol, dtype):
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


@pytest.mark.parametrize('place', ['whole', 'record', 'vector', 'extra', 'key'])
@pytest.mark.parametrize('protocol', [0, 2, 5])
def test_hostile_calls_are_refused_by_name(tmp_path, protocol, place):
    marker = tmp_path / 'marker'
    for function, argument, name in (
        (eval, touch(marker), 'eval'),
        (os.system, f'touch {marker}', 'system'),
        (subprocess.getoutput, f'touch {marker}', 'getoutput'),
        (np.load, str(marker), 'load'),
    ):
        call = Calls(function, argument)
        content = records()
        if place == 'whole':
            content = call
        elif place == 'record':
            content[2] = call
        elif place == 'vector':
            content[2]['objects'] = call
        elif place == 'extra':
            content[2]['more'] = [call]
        else:
            content[2][call] = 1
        path = write(tmp_path / 'train.data', pickle.dumps(content, protocol))
        with pytest.raises(ValueError) as refused:
            read_published_list(path)
        message = str(refused.value)
        assert 'train.data: refused: the pickle asks for' in message and name in message
        assert '\n' not in message
    assert not marker.exists()
    pickle.loads(pickle.dumps(Calls(eval, touch(marker))))  # noqa: S301
    assert marker.exists()  # the file would have done harm


@pytest.mark.parametrize(
    'asked', [b'numpy\nndarray.__new__', b'numpy.core.multiarray\nfromfile', b'builtins\ngetattr']
)
def test_neighbours_of_the_allowed_names_are_refused(tmp_path, asked):
    path = write(tmp_path / 'train.data', b'\x80\x04c' + asked + b'\n.')
    with pytest.raises(ValueError, match=asked.decode().replace('\n', '.')):
        read_published_list(path)


def test_numpy_itself_is_not_reached(tmp_path):
    """Object arrays and forged dtypes, with which numpy's unpickling would trust raw memory."""
    objects = records()
    objects[1]['objects'] = np.array([None] * 80)
    with pytest.raises(ValueError, match=r"refused: dtype 'O8?'"):
        read_published_list(write(tmp_path / 'a', objects))
    forged = pickle.dumps(records(), protocol=2).replace(
        b'X\x01\x00\x00\x00<', b'X\x01\x00\x00\x00?'
    )
    with pytest.raises(ValueError, match=r"refused: byte order '\?'"):
        read_published_list(write(tmp_path / 'b', forged))


def test_one_file_cannot_spoil_the_next(tmp_path):
    """BUILD may set attributes of what stands in for numpy, in this file's copy only."""
    spoil = b'\x80\x02cnumpy.core.numeric\n_frombuffer\nN}U\x0c__defaults__)s\x86b.'
    with pytest.raises(ValueError, match='expected a list of dicts, seen a function'):
        read_published_list(write(tmp_path / 'spoil', spoil))
    good = write(tmp_path / 'good', records())
    np.testing.assert_array_equal(read_published_list(good)[1], LABELS)


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
        (change('objects', np.zeros(20)), r'record 4: .*expected 80 values .* seen 20: \[0.0\]'),
        (change('objects', np.full(80, -1)), r'of 0 or 1 .* seen 80: \[-1\]'),
        (change('objects', np.zeros((80, 1))), r'refused: an array of shape \(80, 1\)'),
        (b'\x80\x04]\x94', 'broken or something else'),
        (b'\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.', 'broken or something else'),
        (b'\x80\x02]r\xff\xff\xff\x7f.', 'refused: memo slot 2147483647 in 9 bytes'),
        (b'{"images": []}', 'broken or something else'),
        (b'', 'broken or something else'),
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


def test_converted_list_is_a_coco_data_set(tmp_path, photo, convert, capsys):
    source, target = write(tmp_path / 'val_test.data', records()), tmp_path / 'val.json'
    for record in records():
        photo(tmp_path / 'val2014' / record['file_name'])
    convert(source, target)
    assert f'5 images, {LABELS.sum()} labels' in capsys.readouterr().out
    data = CocoMultiLabel(ann_file=str(target), data_prefix=str(tmp_path / 'val2014'))
    assert list(data.metainfo['classes']) == FACTS['classes_gkgnet']
    np.testing.assert_array_equal([item['gt_score'] for item in data], LABELS)


def test_the_tool_refuses_in_one_line(tmp_path, convert, capsys):
    there, new = write(tmp_path / 'there.json', b''), tmp_path / 'new.json'
    good = write(tmp_path / 'good.data', records())
    hostile = write(tmp_path / 'bad.data', Calls(eval, touch(tmp_path / 'marker')))
    for source, target, message in (
        (good, there, 'there.json exists already'),
        (tmp_path / 'no.data', new, 'No such file'),
        (hostile, new, 'bad.data: refused: the pickle asks for builtins.eval'),
    ):
        with pytest.raises(SystemExit, match='2'):
            convert(source, target)
        assert message in capsys.readouterr().err.splitlines()[0]
    assert not new.exists() and not (tmp_path / 'marker').exists()
