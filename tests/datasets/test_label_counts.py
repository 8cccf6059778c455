"""Counts of labels alone and together."""

import numpy as np
from mmengine.dataset import RepeatDataset
from torch.utils.data import ConcatDataset

from mlgcn.datasets import CsvMultiLabel
from mlgcn.datasets.label_counts import label_counts


def data(tmp_path, lines):
    (tmp_path / 'a.csv').write_text('\n'.join(lines))
    return CsvMultiLabel(ann_file=str(tmp_path / 'a.csv'), check_images=False)


def test_counts_also_inside_wrappers(tmp_path):
    photos = data(tmp_path, ['1.jpg,cat|dog', '2.jpg,cat', '3.jpg,', '4.jpg,cat|dog|owl'])
    nums, adj = label_counts(photos)
    assert photos.metainfo['classes'] == ('cat', 'dog', 'owl')
    assert nums.tolist() == [3, 2, 1]
    assert adj.tolist() == [[0, 2, 1], [2, 0, 1], [1, 1, 0]]
    assert np.array_equal(label_counts(RepeatDataset(photos, 3))[1], adj)
    assert np.array_equal(label_counts(ConcatDataset([photos, photos]))[0], 2 * nums)


def test_difficult_objects_do_not_count():
    class Photos:
        metainfo = dict(classes=('cat', 'dog'))

        @staticmethod
        def read_labels():
            from mlgcn.datasets.annotations import Labels

            return ('cat', 'dog'), [Labels('1.jpg', ['cat'], ['dog'], 'list')]

    assert label_counts(Photos())[0].tolist() == [1, 0]
