"""model-index.yml and configs/*/metafile.yml name configs that exist, and say whose results."""

from pathlib import Path

import pytest
import yaml
from tiny import ROOT

FILES = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']


def test_every_metafile_is_imported():
    assert sorted(FILES) == sorted(
        str(path.relative_to(ROOT)) for path in ROOT.glob('configs/*/metafile.yml')
    )


@pytest.mark.parametrize('file', FILES)
def test_metafile(file):
    content = yaml.safe_load((ROOT / file).read_text())
    assert all(system['Metadata']['Licence'] for system in content['Collections'])
    names = {collection['Name'] for collection in content['Collections']}
    assert all((ROOT / collection['README']).is_file() for collection in content['Collections'])
    for model in content['Models']:
        assert model['In Collection'] in names
        assert model['Name'] == Path(model['Config']).stem
        assert (ROOT / model['Config']).is_file(), model['Config']
        for result in model['Results']:
            assert result['Origin'] in ('published', 'measured')
            assert result['Source'] and 0 < result['Metrics']['mAP'] <= 100
