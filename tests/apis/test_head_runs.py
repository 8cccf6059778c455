"""One training on stored features leaves one file, and nothing where that is there already."""

import pytest

from apis.frozen_heads import write_frozen_heads
from mlgcn.apis.head_runs import HeadRun, images_per_second, read_runs
from mlgcn.engine.config import listed_images, read_config
from mlgcn.features import extract_features


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp('runs')
    (config, _), data = write_frozen_heads(folder)
    cfg = read_config(config, data)
    extract_features(cfg, listed_images(cfg), folder / 'features')
    held = (1, 5, 6, 20)
    train = tuple(i for i in range(24) if i not in held)
    return HeadRun(
        str(config), data, str(folder / 'features'), 0, train, held, folder / 'a.npz'
    )  # fmt: skip


def test_a_file_of_scores_and_facts(run):
    run()
    (scores,), (facts,) = read_runs([run])
    assert [name.rpartition('/')[2] for name in scores.file_names] == [
        f'train {i}.jpg' for i in run.held_out
    ]
    assert scores.scores.shape == (4, 3)
    assert facts['parameters'] == 3 * 32 + 3 and facts['seconds'] > 0
    others = {path.name for path in run.out.parent.iterdir() if path.name.startswith('a.npz')}
    assert others == {'a.npz'}
    written = run.out.read_bytes()
    run()
    assert run.out.read_bytes() == written
    run.out.unlink()
    run()
    assert (read_runs([run])[0][0].scores == scores.scores).all()


def test_images_per_second(run):
    assert images_per_second(run.cfg(), ['a', 'b', 'c'], 32) > 0


def test_the_configs_text_holds_its_values(run):
    assert f"folder': {run.features!r}" in run.cfg().pretty_text
