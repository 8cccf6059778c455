"""README.md and docs/peers.md quote docs/results.json, which docs/examples/results.py writes."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from paths import TESTS

from mlgcn.evaluation import ScoresFile

ROOT = TESTS.parent
RESULTS = json.loads((ROOT / 'docs/results.json').read_text())
ROW = re.compile(
    r'^\|.*`\w+/(\w+_(?:scenes|own_lite0_224))\.py` \|(?:.*\|)? \**([\d.]+)(?: (\[.*\]))?\** \|$',
    re.MULTILINE,
)


@pytest.mark.parametrize('page', ['README.md', 'docs/peers.md'])
def test_tables_quote_the_file(page):
    rows = ROW.findall((ROOT / page).read_text())
    assert len(rows) >= 4
    for config, figure, spread in rows:
        found = [RESULTS[config][f'seed {seed}']['mAP'] for seed in (range(3) if spread else (0,))]
        assert figure == f'{np.mean(found):.1f}', config
        assert not spread or spread == f'[{min(found):.1f}, {max(found):.1f}]', config


def test_the_command(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location('results', ROOT / 'docs/examples/results.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    calls = []

    def run(command, *words):
        calls.append(command)
        folder = Path(words[words.index('--work-dir') + 1])
        folder.mkdir(exist_ok=True)
        (folder / 'last_checkpoint').write_text('epoch_12.pth')
        if command == 'test':
            scores, targets = np.float32([[2], [1], [0]]), np.int8([[1], [0], [1]])
            files, names = np.array(['a', 'b', 'c']), np.array(['cat'])
            ScoresFile(files, names, scores, targets, 'addgcn').save(folder / 'scores.npz')

    monkeypatch.setattr(module, 'run', run)
    monkeypatch.setattr(module, 'RESULTS', tmp_path / 'results.json')
    monkeypatch.setattr(module, 'SCENES', ('linear',))
    monkeypatch.setattr(sys, 'argv', ['results.py', str(tmp_path), '2'])
    (tmp_path / 'results.json').write_text(json.dumps({'other': {}}))
    module.main()
    module.main()  # what is finished is not repeated
    assert calls == ['train', 'test'] * 2
    results = json.loads((tmp_path / 'results.json').read_text())
    rows = results['linear_scenes']
    assert set(results) == {'other', 'linear_scenes'} and len(rows) == 2
    assert {row['mAP'] for row in rows.values()} == {83.3333}  # (1 + 2/3) / 2
