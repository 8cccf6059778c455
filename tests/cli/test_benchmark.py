"""mlgcn benchmark: its options, a row for every form."""

import pytest

from mlgcn.cli import benchmark, parser_of
from mlgcn.engine.config import ConfigError


@pytest.mark.parametrize('form', ['plain', 'fuse'])
def test_command(monkeypatch, capsys, form):
    from mlgcn.cli import main

    words = f'mlgcn benchmark gkgnet_scenes --compare {form} --what forward --repeat 1'
    monkeypatch.setattr('sys.argv', [*words.split(), '--image-size', '96', '128'])
    main()
    rows = [line for line in capsys.readouterr().out.splitlines() if 'forward' in line]
    assert len(rows) == 4 and sum(form in row for row in rows) == 2


@pytest.mark.parametrize('words', ['', '--suite cpu', 'gkgnet_scenes --out there'])
def test_a_config_or_a_suite(monkeypatch, words):
    with pytest.raises(ConfigError, match='--suite'):
        benchmark.main(parser_of('benchmark').parse_args(words.split()))
