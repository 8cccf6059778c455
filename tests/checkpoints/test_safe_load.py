"""What is no checkpoint, or asks for more than one needs, is named in one line and not run."""

import io
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader
from PIL import Image
from safetensors.torch import save_file

from mlgcn.checkpoints import CheckpointError, load
from mlgcn.checkpoints.checkpoint import load_content
from mlgcn.checkpoints.safe_load import read_json


class Touch:
    """A pickle that would create a file when loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


@pytest.mark.parametrize('legacy', [False, True])
def test_a_file_that_asks_for_more_is_refused_and_not_run(tmp_path, legacy):
    marker, file = tmp_path / 'marker', tmp_path / 'bad.pth'
    torch.save(dict(state_dict=Touch(marker)), file, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match=r'bad.pth: not loaded, because .*open.*--trust'):
        CheckpointLoader.load_checkpoint(str(file))
    assert not marker.exists()


def picture(kind):
    buffer = io.BytesIO()
    Image.new('RGB', (8, 8)).save(buffer, kind)
    return buffer.getvalue()


def archive(names=('a.txt',)):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        for name in names:
            file.writestr(name, b'text')
    return buffer.getvalue()


def tar():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as file:
        file.addfile(tarfile.TarInfo('storages'), io.BytesIO())
    return buffer.getvalue()


def scores(save=np.savez):
    buffer = io.BytesIO()
    save(buffer, scores=np.zeros(300))
    return buffer.getvalue()


def script():
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    'content, words',
    [
        (b'', 'an empty file'),
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:1\n', 'git-lfs pointer'),
        (b'\n<!DOCTYPE html><html>404</html>', 'a web page'),
        (b'<HTML><body>sign in</body></HTML>', 'a web page'),
        (b'<?xml version="1.0"?><Error/>', 'XML'),
        (picture('JPEG'), 'a picture'),
        (picture('PNG'), 'a picture'),
        (picture('GIF'), 'a picture'),
        (b'\x1f\x8b\x08' + bytes(20), 'gzip'),
        (b'BZh91AY', 'bzip2'),
        (b'7z\xbc\xaf\x27\x1c' + bytes(20), '7z'),
        (tar(), 'a tar archive'),
        (archive(), "a zip archive of 'a.txt'"),
        (archive(['w/data.pkl', 'v/data.pkl']), 'a zip archive'),
        (scores(), "a zip archive of 'scores.npy'"),
        (scores(np.savez_compressed), "a zip archive of 'scores.npy'"),
        (b'\n_base_ = 3\n', "a text file that begins with '_base_ = 3'"),
        (b'\n \n', 'nothing but spaces'),
        (script(), 'TorchScript'),
        (pickle.dumps({'w': 1}), 'a pickle that torch.save did not write'),
        (b'_base_ = 3\n', "a text file that begins with '_base_ = 3'"),
        (b'PK\x03\x04 cut short', 'cut short: its end is missing'),
        (b'\xef\xbb\xbf<!DOCTYPE html>', 'a web page'),
        (bytes(999), 'zeros, as an interrupted copy'),
        (b'\x93NUMPY\1\0v\0', 'a numpy array'),
        (b'\x89HDF\r\n', 'HDF5'),
        ((2**23).to_bytes(8, 'little') + b'{"w": {', 'its header has 8,388,608 bytes'),
        (b'RIFF\x10\0\0\0WEBPVP8 ', 'a picture'),
        (b'\x08\x08\x12\x07pytorch\x1a\x052.0.0', 'an ONNX model'),
        (b'{"metadata": {}, "weight_map": {"w": "1.safetensors"}}', 'the parts of a model'),
        (bytes(range(128, 160)), r"begins with b'\\x80|a pickle"),
    ],
)
def test_what_is_no_checkpoint_is_recognised(tmp_path, content, words):
    (tmp_path / 'file.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match=f'file.pth: .*{words}') as error:
        load(tmp_path / 'file.pth')
    assert '\n' not in str(error.value)
    assert '--trust-checkpoint' not in str(error.value), 'which would not help'


@pytest.mark.parametrize('name, words', [('folder', 'a folder'), ('pipe', 'not a regular file')])
def test_what_is_no_file(tmp_path, name, words):
    """Opening a pipe would wait for its other end."""
    (tmp_path / 'folder').mkdir()
    os.mkfifo(tmp_path / 'pipe')
    for read in load, CheckpointLoader.load_checkpoint:  # the second: of `load_from`
        with pytest.raises(CheckpointError, match=f'{name}: not a checkpoint: {words}'):
            read(str(tmp_path / name))
        with pytest.raises(FileNotFoundError, match='absent: no such checkpoint file'):
            read(str(tmp_path / 'absent'))


def test_contents_decide_not_names(tmp_path):
    save_file({'w': torch.ones(2)}, tmp_path / 'a.pth')
    torch.save({'w': torch.ones(2)}, tmp_path / 'b.safetensors')
    for name in ('a.pth', 'b.safetensors'):
        assert torch.equal(load(tmp_path / name).weights['w'], torch.ones(2))


def test_damage_within_a_storage_is_found(tmp_path):
    """torch does not compare the checksums."""
    torch.save({'w': torch.full((64,), 7, dtype=torch.uint8)}, tmp_path / 'a.pth')
    content = (tmp_path / 'a.pth').read_bytes()
    (tmp_path / 'a.pth').write_bytes(content.replace(bytes([7] * 64), bytes([7] * 63 + [8])))
    with pytest.raises(CheckpointError, match='a.pth: not a readable checkpoint .*CRC'):
        load(tmp_path / 'a.pth')


def test_a_storage_that_claims_more_than_it_has(tmp_path):
    for legacy in (False, True):
        path = tmp_path / f'{legacy}.pth'
        torch.save({'w': torch.ones(64)}, path, _use_new_zipfile_serialization=not legacy)
        content = path.read_bytes()
        claims = content.replace(b'K@', b'K\xff')  # the number of elements, and the shape
        if not legacy:  # the checksum of the pickle
            good, claims = zipfile.ZipFile(path), io.BytesIO()
            with zipfile.ZipFile(claims, 'w') as bad:
                for name in good.namelist():
                    bad.writestr(name, good.read(name).replace(b'K@', b'K\xff'))
            claims = claims.getvalue()
        path.write_bytes(claims)
        with pytest.raises(CheckpointError, match='storage'):
            load(path)


@pytest.mark.parametrize('text', ['[' * 100_000, '{"a": ', 'x' * 2**23, None, '"\\ud800'])
def test_json_out_of_a_file(text):
    with pytest.raises(CheckpointError, match='JSON'):
        read_json(text)


def test_unsafe_loading_cannot_be_asked_for(tmp_path):
    torch.save({}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='allow-list'):
        load_content(tmp_path / 'a.pth', weights_only=False)


def test_a_shape_whose_strides_overflow(tmp_path):
    header = b'{"a": {"dtype": "F32", "shape": [0, %d, %d], "data_offsets": [0, 0]}}' % (
        2**60,
        2**60,
    )
    (tmp_path / 'a.safetensors').write_bytes(len(header).to_bytes(8, 'little') + header)
    with pytest.raises(CheckpointError, match=r'a\.safetensors: .*dimensions whose sizes'):
        load(tmp_path / 'a.safetensors')


@pytest.mark.parametrize('metadata', ['{"classes": 3}', '[3]', '{"classes": ["a", "a"]}', '"x"'])
def test_metadata_of_another_kind(tmp_path, metadata):
    save_file({'w': torch.ones(2)}, tmp_path / 'a.safetensors', {'mlgcn_metadata': metadata})
    with pytest.raises(CheckpointError, match=r'a\.safetensors: .*(dict|list)'):
        load(tmp_path / 'a.safetensors')
