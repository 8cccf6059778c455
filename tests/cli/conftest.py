"""Commands that answer or fail in one line, and a small published model."""

import json

import pytest
from paths import DATA
from published import published_file, published_weights


@pytest.fixture
def tool(mlgcn):
    """Run a command in this process: its output, or the one line of its error."""

    def run(*args):
        answer = mlgcn(*args)
        assert answer.status in (0, 2)
        return answer.error if answer.status else answer.out

    return run


@pytest.fixture(scope='session')
def small(tmp_path_factory):
    """A published GKGNet t for 7 classes: its file and weights."""
    case = json.loads((DATA / 'gkgnet_t_128_g1_c7_k5.json').read_text())['case']
    weights = published_weights('gkgnet_t_128_g1_c7_k5', case)
    return published_file(tmp_path_factory.mktemp('p') / 'gkgnet.pth', 'gkgnet', weights), weights
