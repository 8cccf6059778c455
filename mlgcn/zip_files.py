"""Zip archives of strangers: checkpoints and scores files."""

import io
import zipfile
from typing import BinaryIO

MAX_DIRECTORY = 2**22  # bytes of the list of entries: 40,000 storages of a checkpoint


def open_zip(file: BinaryIO, most: int) -> zipfile.ZipFile:
    """An archive of which nothing is unpacked yet, and whose entries claim `most` bytes at most.

    Raises:
        ValueError: it is cut short, lists very many entries, or claims more bytes.
    """
    size = file.seek(0, io.SEEK_END)
    end = zipfile._EndRecData(file)  # private: ZipFile reads the whole list, a million entries too
    if not end:
        raise ValueError(f'cut short: its end is missing (there are {size:,} bytes)')
    if end[zipfile._ECD_SIZE] > MAX_DIRECTORY:
        raise ValueError(f'its list of entries has {end[zipfile._ECD_SIZE]:,} bytes')
    archive = zipfile.ZipFile(file)
    claimed = sum(entry.file_size for entry in archive.infolist())
    if claimed > most:
        raise ValueError(f'its entries claim {claimed:,} bytes, but the file has {size:,}')
    return archive
