"""Query2Label's table of positions against probes of the published one."""

import json

import numpy as np
import pytest
from paths import DATA

from mlgcn.ops.sine_table import sine_table


@pytest.mark.parametrize('name', ['k7_selfattn', 'k12_prenorm', 'k20_proj_9x5'])
def test_equals_the_published_table(name):
    fixture = json.loads((DATA / 'peers' / f'head_query2label_{name}.json').read_text())
    probe = fixture['eval']['probes']['position_table_1dHW']
    _, channels, height, width = probe['shape']
    table = sine_table(height, width, channels).T.flatten()  # (d, H * W)
    np.testing.assert_allclose(table[probe['index']], probe['value'], rtol=0, atol=1e-12)
    assert table.mean().item() == pytest.approx(probe['mean'], abs=1e-12)


def test_38_channels_are_refused():
    with pytest.raises(ValueError, match='multiple of 4 channels, got 38'):
        sine_table(2, 2, 38)
