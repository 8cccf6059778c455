"""Options of the commands about models name what the rooms have."""

from cli.choices import choices
from mlgcn.checkpoints import tables
from mlgcn.export.files import FORMATS


def test_published_systems():
    assert choices('convert', '--from') == ['auto', *tables.SYSTEMS, *tables.HEADS]
    assert choices('convert', '--to') == ['addgcn', 'gkgnet', *tables.HEADS]


def test_formats():
    assert choices('export', '--format') == list(FORMATS)
