"""mlgcn compare: refusals, and a whole comparison that is killed and goes on."""

import shutil

import pytest
from apis.frozen_heads import write_frozen_heads

from mlgcn.apis import load_model


@pytest.fixture(scope='module')
def heads(tmp_path_factory):
    """Two configs on one frozen backbone, and photographs."""
    paths, data = write_frozen_heads(tmp_path_factory.mktemp('compare'))
    return paths, [f'{key}={value}' for key, value in data.items()]


@pytest.mark.parametrize('arguments, words', [
    (['own.train=x.csv'], ['own.val']),
    (['own.trian=x.csv'], ['own.train=LIST', 'own.trian']),
    (['own.train=x.csv', 'own.val=y.csv', '--heads', 'lineer'], ['lineer']),
    (['own.train=x.csv', 'own.val=y.csv', '--folds', 1], ['--folds is 1', '2']),
    (['own.train=x.csv', 'own.val=y.csv', '--heads', 'linear'], ['x.csv', 'not found']),
    (['own.train=x.csv', 'own.val=y.csv', '--objective', 'f3'], ['f3', 'precision=P']),
    (['own.train=x.csv', 'own.val=y.csv', '--losses', 'Assymetric'], ['Assymetric']),
])  # fmt: skip
def test_wrong_arguments(mlgcn, tmp_path, arguments, words):
    answer = mlgcn('compare', *arguments, '--out', tmp_path)
    assert answer.status == 2
    for word in words:
        assert word in answer.error


@pytest.mark.slow
def test_a_comparison_that_is_killed_goes_on_and_writes_a_model(
    mlgcn, heads, tmp_path, monkeypatch
):
    monkeypatch.setattr('mlgcn.apis.head_runs.MEASURED', 0.01)
    paths, data = heads
    out = tmp_path / 'out'
    command = ('compare', *data, '--heads', *paths, '--sizes', 32, '--seeds', 2, '--folds', 2,
               '--workers', 2, '--curves', '--out', out)  # fmt: skip
    answer = mlgcn(*command)
    assert answer.status == 0
    assert 'trainings 8/8 (100 %)' in answer.err and 'UserWarning' not in answer.err
    runs = sorted((out / 'runs').iterdir())
    assert len(runs) == 2 * 2 * 2 + 2 * 2 + 2 * 2 * 2  # folds; on the whole; on two shares
    page = (out / 'comparison.html').read_text()
    assert 'linearhead 32' in page and 'csrahead 32' in page and (out / 'report.html').exists()
    model = load_model(out / 'model.pth')
    assert model.calibration.source != 'threshold 0.5, not calibrated'
    again = tmp_path / 'again'  # as if killed in the middle
    (again / 'runs').mkdir(parents=True)
    shutil.copytree(out / 'features_32', again / 'features_32')
    for run in runs[::2]:
        shutil.copy(run, again / 'runs')
    assert mlgcn(*command[:-1], again, '--workers', 1).status == 0
    assert [run.name for run in sorted((again / 'runs').iterdir())] == [r.name for r in runs]
    first, second = (load_model(folder / 'model.pth').checkpoint for folder in (out, again))
    assert first.sha256 == second.sha256
