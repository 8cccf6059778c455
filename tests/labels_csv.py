"""Reading the fixture `folder` of tests/datasets: labels.csv beside photos/."""

import pytest

from mlgcn.datasets import CsvMultiLabel

PIPELINE = [
    {'type': 'LoadImageFromFile', 'imdecode_backend': 'pillow'},
    {'type': 'PackInputs'},
]


def read(folder, **options):
    return CsvMultiLabel(
        ann_file='labels.csv', data_root=str(folder), data_prefix='photos', **options
    )


def refused(folder, error=ValueError, **options) -> str:
    with pytest.raises(error) as caught:
        read(folder, **options)
    message = str(caught.value)
    assert '\n' not in message
    return message
