"""mlgcn find-lr as a user meets it."""

import numpy as np
import pytest
from PIL import Image
from tiny import make_photos, write_config

from mlgcn.cli.find_lr import steepest


@pytest.mark.slow
def test_a_picture_and_the_next_command(mlgcn, tmp_path, monkeypatch):
    config = write_config(tmp_path, make_photos(tmp_path / 'photos'), 'LinearHead')
    monkeypatch.chdir(tmp_path)
    answer = mlgcn('find-lr', config, '--batches', 40, '--first', 1e-4, '--last', 100)
    rate = float(answer.out.split('optim_wrapper.optimizer.lr=')[1])
    assert answer.status == 0 and 1e-4 <= rate <= 100
    assert 'batches 4/40 (10 %)  loss ' in answer.err
    assert Image.open('find_lr.png').size == (900, 525)
    assert not (tmp_path / 'work_dirs').exists()
    assert 'find_lr.png' in mlgcn('find-lr', config).error  # it exists
    assert '--first' in mlgcn('find-lr', config, '--first', 2, '--force').error


def test_steepest():
    rates = np.geomspace(1e-5, 1, 51)
    curve = 2 - 1 / (1 + np.exp(-3 * np.log(rates / 1e-2)))  # a logistic fall around 0.01
    losses = [*curve[:45], 5.0]
    assert np.log10(steepest(rates, losses)) == pytest.approx(-2, abs=0.11)
    with pytest.raises(ValueError, match='1e-05'):
        steepest(rates, [1.0, 2.0, 3.0])
