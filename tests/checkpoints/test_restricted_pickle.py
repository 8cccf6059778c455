"""Every entry of the allow-list against hostile arguments, and what a file may cost."""

import collections
import io
import operator
import pickle
import resource
import time

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mlgcn.checkpoints import CheckpointError, load
from mlgcn.checkpoints.pickle_doubles import doubles

multiarray = np._core.multiarray if hasattr(np, '_core') else np.core.multiarray
WEIGHTS = {'w': torch.ones(4)}


class Call:
    """Pickled as a call of `function`, followed by a state."""

    def __init__(self, function, *args, state=None):
        self.reduced = (function, args) if state is None else (function, args, state)

    def __reduce__(self):
        return self.reduced


def dtype(code, *state):
    return Call(np.dtype, code, False, True, state=state or None)


def array(shape, code='f8', raw=b''):
    state = (1, shape, dtype(code, 3, '<', None, None, None, -1, -1, 0), False, raw)
    return Call(multiarray._reconstruct, np.ndarray, (0,), b'b', state=state)


def buffer(**state):
    return Call(HistoryBuffer, state=state)


FIELDS = {'a': (np.dtype('i8'), 2**40)}  # a field outside the item: reads anywhere
STORAGE = torch.ones(4).storage()
V2 = torch._utils._rebuild_tensor_v2
HOSTILE = {
    'builtins.complex': Call(complex, [1]),
    'builtins.getattr': Call(getattr, HistoryBuffer, '__init__'),
    'builtins.set': Call(set, 3),
    'collections.Counter': Call(collections.Counter, 'letters'),
    'collections.OrderedDict': Call(collections.OrderedDict, 3),
    'mmengine.logging.history_buffer.HistoryBuffer': Call(
        HistoryBuffer, state={'_log_history': 'x', '_count_history': 3}
    ),
    'numpy.core.multiarray._reconstruct': array((2**40,)),
    'numpy.core.multiarray.scalar': Call(multiarray.scalar, dtype('f8'), b'123'),
    'numpy.dtype': dtype('V8', 3, '|', None, ('a',), FIELDS, 8, 1, 0),
    'numpy.ndarray': array((1,), raw=[b'12345678']),
    '_codecs.encode': Call(__import__('_codecs').encode, b'x' * 9, 'hex'),
    'torch.Size': Call(torch.Size, 'x'),
    'torch._utils._rebuild_parameter': Call(torch._utils._rebuild_parameter, [open], True, None),
    'torch._utils._rebuild_tensor': Call(torch._utils._rebuild_tensor, STORAGE, 3, (2,), (1,)),
    'torch._utils._rebuild_tensor_v2': Call(V2, STORAGE, 0, (2**33,), (0,), False, None),
    'torch._utils._rebuild_tensor_v3': Call(
        torch._utils._rebuild_tensor_v3, STORAGE, -1, (4,), (1,), False, None, torch.int64
    ),
    'torch.device': Call(torch.device, 'nowhere:9'),
}


def write(path, content):
    """torch.save, for numpy's types too."""
    torch.save(content, path)
    return path


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def refused(path, match=''):
    """Reading `path` fails in one line, within a second and 200 MB."""
    before, start = peak_mib(), time.process_time()
    with pytest.raises(CheckpointError, match=f'{path.name}: .*{match}') as error:
        load(path)
    assert '\n' not in str(error.value) and len(str(error.value)) < 700
    assert time.process_time() - start < 1 and peak_mib() - before < 200
    return str(error.value)


def test_every_entry_of_the_list_is_tested():
    plain = {name for name, value in doubles(list).items() if isinstance(value, torch.dtype)}
    assert set(doubles(list)) - plain == set(HOSTILE)


@pytest.mark.parametrize('name', HOSTILE)
def test_hostile_arguments(tmp_path, name):
    refused(write(tmp_path / 'bad.pth', dict(state_dict=WEIGHTS, more=HOSTILE[name])))


DTYPE_NAMES = sorted(n for n, v in doubles(list).items() if isinstance(v, torch.dtype))


@pytest.mark.parametrize('name', DTYPE_NAMES)  # sorted: pytest-xdist wants one order
def test_types_are_not_called(tmp_path, name):
    """A dtype's or a storage's name stands for a value alone."""
    module, _, attribute = name.rpartition('.')
    content = b'\x80\x02c' + f'{module}\n{attribute}\n'.encode() + b'J\x00\x00\x00\x7f\x85R.'
    refused(rewritten(tmp_path, content))


def rewritten(tmp_path, data, name='bad.pth'):
    """A checkpoint with another pickle."""
    import zipfile

    written = io.BytesIO()
    torch.save(dict(state_dict=WEIGHTS), written)
    good = zipfile.ZipFile(written)
    with zipfile.ZipFile(tmp_path / name, 'w') as bad:
        for entry in good.namelist():
            bad.writestr(entry, data if entry.endswith('data.pkl') else good.read(entry))
    return tmp_path / name


@pytest.mark.parametrize(
    'function, args',
    [
        (bytearray, (2**33,)),
        (bytes, (2**33,)),
        (operator.attrgetter('x').__class__, ('x',)),
        (torch._utils._rebuild_nested_tensor, (WEIGHTS['w'], 1, 1, 1)),
        (torch._utils._rebuild_device_tensor_from_numpy, (3, torch.float32, 'cpu', False)),
        (torch._tensor._rebuild_from_type_v2, (V2, torch.Tensor, (), {})),
        (np.dtypes.Float64DType, ()),
    ],
)
def test_what_upstream_lets_through_is_not_on_the_list(tmp_path, function, args):
    path = write(tmp_path / 'bad.pth', dict(state_dict=WEIGHTS, more=Call(function, *args)))
    refused(path, f'it asks for .*{function.__name__}')


@pytest.mark.parametrize(
    'tensor',
    [
        torch.ones(2).to(torch.float8_e4m3fn),
        torch.eye(3).to_sparse(),
        torch.ones(2, device='meta'),
        torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
    ],
    ids=str,
)
def test_other_kinds_of_tensors(tmp_path, tensor):
    refused(write(tmp_path / 'bad.pth', {'w': tensor}), 'it asks for torch')


def nested(depth):
    content = []
    for _ in range(depth):
        content = [content]
    return content


@pytest.mark.parametrize(
    'data',
    [
        b'\x80\x02' + b']' * 500 + b'a' * 499 + b'.',  # nested
        b'\x80\x02(' + b']' * 350_000 + b'l.',  # protocol 0
        b'\x80\x02(' + b']' * 350_000 + b't.',
        b'\x80\x02]r\xff\xff\xff\x7f.',  # memo slot 2**31
        b'\x80\x02X\xff\xff\xff\x7fabc.',  # a string of 2 GB in 3 bytes
        b'\x80\x02\x8b\xff\xff\xff\x7fabc.',  # a number of 2 GB
        b'\x80\x02]q\x00h\x00a.',  # contains itself
        b'\x80\x02cmlgcn.checkpoints\nload\n.',
        b'\x80\x04\x8c\x02os\x8c\x06system\x93.',
        b'\x80\x02(ios\nsystem\n.',
        b'\x80\x02\x82\x01.',  # extension code
        b'',
        b'\x80\x02',
    ],
)
def test_pickles_that_cost(tmp_path, data):
    refused(rewritten(tmp_path, data))


def colliding(count):
    """Numbers of one hash: a real part makes up for the imaginary one."""
    return [complex(-1_000_003 * i, i) for i in range(count)]


@pytest.mark.parametrize(
    'content',
    [
        dict.fromkeys(colliding(300)),
        set(colliding(300)),
        Call(collections.OrderedDict, [[key, 1] for key in colliding(9)]),
        {(key,): 1 for key in colliding(5)},
        {torch.Size([3]): 1},
        dict.fromkeys(range(30_000)),
        {2**64 - 1 << 61: 1},
    ],
    ids=['dict', 'set', 'ordered', 'tuples', 'size', 'integers', 'large'],
)
def test_keys_are_text_or_few(tmp_path, content):
    """A file could choose others that all fall on one place of a hash table."""
    refused(write(tmp_path / 'bad.pth', dict(state_dict=WEIGHTS, more=content)), 'key')


def test_repetition_is_bounded(tmp_path):
    """A few bytes that would print as gigabytes, or be copied as such."""
    content = 'x' * 1000
    for _ in range(40):
        content = [content, content]
    refused(write(tmp_path / 'a.pth', dict(WEIGHTS, more=content)), 'amounts to more')
    content = [0] * 4
    for _ in range(9):
        content = [content] * 4  # 350,000 values in 100 bytes
    refused(write(tmp_path / 'c.pth', dict(WEIGHTS, more=content)), 'amounts to more')
    large = torch.ones(2**18)
    refused(write(tmp_path / 'b.pth', {f'w{i}': large[:] for i in range(5000)}), 'amounts to more')
    load(write(tmp_path / 'c.pth', {'w': large, 'tied': large}))


def laughs(depth=60):
    """Leaves a list of two lists of two lists ..., whose text has 2**depth parts."""
    steps = (b'](h%ch%ceq%c' % (i, i, i + 1) for i in range(depth))
    return b'(]q\0' + b''.join(steps) + b'1h%c' % depth


def called(name, *args):
    module, _, attribute = name.rpartition('.')
    return f'c{module}\n{attribute}\n'.encode() + b'(' + b''.join(args) + b'tR'


STORED = [b'(X\7\0\0\0storagectorch\nFloatStorage\n', b'X\1\0\0\0000', b'X\3\0\0\0cpuK\4tQ']
A = b'X\1\0\0\0a'


@pytest.mark.parametrize(
    'steps',
    [
        called('numpy.dtype', laughs()),
        called('numpy.dtype', b'X\2\0\0\0f8') + b'(K\1' + laughs() + b'tb',
        called('_codecs.encode', A, laughs()),
        called('builtins.getattr', b'cmmengine.logging.history_buffer\nHistoryBuffer\n', laughs()),
        called('torch.device', laughs()),
        STORED[0] + laughs() + STORED[2],
        laughs()
        + b'q\xf00'
        + called('torch._utils._rebuild_tensor_v2', *STORED, b'K\0(' + 70 * b'h\xf0' + b't)'),
        # attributes of an OrderedDict, which the bound on the content must not believe
        b'('
        + called('collections.OrderedDict')
        + b'}X\6\0\0\0nbytesJ\0\0\0\x80sb'
        + laughs()
        + b't',
        b'c' + b'a' * 10**6 + b'\nb\n',
    ],
    ids=['dtype', 'order', 'encode', 'getattr', 'device', 'key', 'shape', 'nbytes', 'name'],
)
def test_messages_and_bounds_do_not_read_what_is_without_end(tmp_path, steps):
    refused(rewritten(tmp_path, b'\x80\2' + steps + b'.'))


@pytest.mark.parametrize('size', [(1,) * 65, (0, 2**62, 2**62), (2**60,)])
def test_shapes_that_nothing_can_use(tmp_path, size):
    stride = (0,) * len(size)
    tensor = Call(V2, STORAGE, 0, size, stride, False, None)
    refused(write(tmp_path / 'bad.pth', {'w': tensor}), 'dimensions whose sizes')


def test_a_state_does_not_reach_what_doubles_made(tmp_path):
    found = Call(V2, STORAGE, 0, (4,), (1,), False, None)
    found.reduced = (*found.reduced, {'value': 'other', '__class__': 3})
    refused(write(tmp_path / 'bad.pth', dict(state_dict={'w': found})), 'a state')


def test_a_state_does_not_reach_a_storage(tmp_path):
    """Tensor.__setstate__ allocates whatever size its state asks for."""
    written = io.BytesIO()
    torch.save({'w': torch.ones(4)}, written, _use_new_zipfile_serialization=False)
    data = written.getvalue()
    place = data.index(b'Q', data.index(b'FloatStorage'))  # BINPERSID
    state = b'(N(K\x00J\x00\x00\x00\x7f\x85K\x01\x85tb'
    (tmp_path / 'bad.pth').write_bytes(data[: place + 1] + state + data[place + 1 :])
    refused(tmp_path / 'bad.pth')


def test_what_runs_save_comes_back(tmp_path):
    scalar, history = np.float64(2.5), HistoryBuffer([1.0, 2.0], [1, 1])
    content = dict(
        state_dict=collections.OrderedDict(w=torch.nn.Parameter(torch.arange(6.0).view(2, 3).T)),
        more=dict(
            a=np.arange(6, dtype='i4').reshape(2, 3, order='F'), n=scalar, t=(1, 'x', None, True),
            c=collections.Counter({3: 1}), s={1, 2}, h=history, size=torch.Size([2]), b=b'\xff',
            d=torch.device('cpu'), e=torch.float16, z=2j, u=torch.ones(2, dtype=torch.uint16),
        ),
    )  # fmt: skip
    for legacy in (False, True):
        path = tmp_path / f'{legacy}.pth'
        torch.save(content, path, _use_new_zipfile_serialization=not legacy)
        loaded = load(path)
        assert torch.equal(loaded.weights['w'], content['state_dict']['w'])
        assert not loaded.weights['w'].is_contiguous()
        more, expected = loaded.content['more'], content['more']
        np.testing.assert_array_equal(more.pop('a'), expected['a'])
        assert torch.equal(more.pop('u'), expected['u'])
        back = more.pop('h')
        assert back.mean() == 1.5 and back.data[1].tolist() == [1, 1]
        assert type(more['c']) is collections.Counter
        assert more == {key: expected[key] for key in more}


def test_python_2s_and_numpy_1s_names(tmp_path):
    data = pickle.dumps(dict(state_dict={}, n=np.float64(3)), 2).replace(
        b'numpy._core', b'numpy.core'
    )
    path = rewritten(tmp_path, data)
    with pytest.raises(CheckpointError, match='empty dict'):  # read, but without weights
        load(path)
