"""mlgcn models as a user meets it."""

import yaml
from tiny import ROOT


def test_a_row_for_each_published_result(mlgcn):
    published = {
        model['Name']: model['Results'][0]['Metrics']['mAP']
        for file in ROOT.glob('configs/*/metafile.yml')
        for model in yaml.safe_load(file.read_text())['Models']
    }
    rows = [line.split('│') for line in mlgcn('models').out.splitlines() if line.startswith('│')]
    assert {row[1].strip(): float(row[5]) for row in rows} == published


def test_one_model(mlgcn):
    text = mlgcn('models', 'gkgnet_coco_576').out
    for fact in (
        'PyramidViG s',
        '576x576',
        '87.65',
        'github.com/jin-s13/GKGNet',
        'non-commercial',
    ):
        assert fact in text
    assert 'mlgcn test gkgnet_coco_576 FILE' in text
    assert 'mlgcn test' not in mlgcn('models', 'ctran_r101_coco_576').out  # no weights released
    assert "mean 'gkgnet_coco_576'?" in mlgcn('models', 'gkgnet_coco_57').error
