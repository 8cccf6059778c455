"""mlgcn graph, and training with the graph of the training labels."""

import numpy as np
import pytest
import torch
from tiny import CLASSES, make_photos, write_config

from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.cli import execute
from mlgcn.ops.cooccurrence_graph import label_graph

EXTRA = "custom_hooks = [dict(type='mlgcn.LabelGraphHook')]"


def counts(tmp_path):
    photos = make_photos(tmp_path / 'photos')
    config = write_config(tmp_path, photos, 'MLGCNHead', EXTRA)
    execute('graph', [str(config), str(tmp_path / 'counts.npz')])
    return config, np.load(tmp_path / 'counts.npz')


def test_counts_are_written_and_printed(tmp_path, capsys):
    config, file = counts(tmp_path)
    assert sorted(file['classes']) == sorted(CLASSES)
    assert file['adj'].shape == (3, 3) and (file['adj'].diagonal() == 0).all()
    assert '3 labels' in capsys.readouterr().out
    with pytest.raises(FileExistsError, match='counts.npz'):
        execute('graph', [str(config), str(tmp_path / 'counts.npz')])


@pytest.mark.slow
def test_training_stores_the_graph_in_the_weights(tmp_path):
    config, file = counts(tmp_path)
    execute('train', [str(config), '--work-dir', str(tmp_path / 'run'), '--seed', '0'])
    weights = safe_load(tmp_path / 'run' / 'epoch_2.pth')['state_dict']
    expected = label_graph(torch.from_numpy(file['nums']), torch.from_numpy(file['adj']))
    torch.testing.assert_close(weights['head.graph'], expected.float())
