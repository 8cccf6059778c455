"""Archives of strangers are looked at before anything of them is read or unpacked."""

import io
import resource
import struct
import time
import zipfile

import pytest

from mlgcn.zip_files import open_zip


def archive(names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as written:
        for name in names:
            written.writestr(name, bytes(1000))
    return file


def test_entries_come_back():
    file = archive('ab')
    assert open_zip(file, most=2000).read('b') == bytes(1000)
    with pytest.raises(
        ValueError, match=f'claim 2,000 bytes, but the file has {len(file.getvalue())}'
    ):
        open_zip(file, most=1999)


def test_an_end_that_is_missing():
    cut = io.BytesIO(archive('a').getvalue()[:-5])
    with pytest.raises(ValueError, match='cut short'):
        open_zip(cut, most=2000)


def test_a_million_entries(tmp_path):
    """zipfile reads the list of entries to open an archive: half a gigabyte of objects."""
    entry = b'PK\1\2' + bytes(24) + b'\1' + bytes(17) + b'a'
    end = struct.pack('<4s4H2LH', b'PK\5\6', 0, 0, 0, 0, len(entry) * 10**6, 0, 0)
    path = tmp_path / 'many.zip'
    path.write_bytes(entry * 10**6 + end)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with (
        open(path, 'rb') as file,
        pytest.raises(ValueError, match='list of entries has 47,000,000'),
    ):
        open_zip(file, most=2**40)
    assert time.process_time() - start < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
