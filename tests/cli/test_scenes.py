"""The command that mlgcn scenes names next trains on what was written."""

import pytest

from mlgcn.cli.scenes import next_command


@pytest.mark.parametrize('data', [None, 'elsewhere'])
def test_next_command(data, monkeypatch):
    monkeypatch.delenv('MLGCN_DATA', raising=False)
    if data:
        monkeypatch.setenv('MLGCN_DATA', data)
    plain = 'mlgcn train addgcn_scenes'
    assert next_command(f'{data or "data"}/scenes') == plain
    assert next_command('small/scenes/') == f'MLGCN_DATA=small {plain}'
    assert next_command('scenes') == f'MLGCN_DATA=. {plain}'
    parts = [f'{part}_dataloader.dataset.data_root=small/my' for part in ('train', 'val')]
    assert next_command('small/my') == f'{plain} --cfg-options {" ".join(parts)}'
