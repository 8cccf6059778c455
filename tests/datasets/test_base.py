"""What all readers share: labels become vectors, and contradictions stop."""

import numpy as np
import pytest
from labels_csv import PIPELINE, read, refused
from mmengine.dataset import ClassBalancedDataset
from mmengine.logging import MMLogger
from torch.utils.data import DataLoader

from mlgcn.registry import DATASETS


def test_positives_by_class(folder):
    assert read(folder, classes=['cat', 'dog']).positives == {'cat': 0, 'dog': 12}


def test_classes_that_contradict_the_metainfo(folder):
    message = refused(folder, classes=['dog', 'ox'], metainfo={'classes': ['ox', 'dog']})
    assert 'dog, ox' in message
    assert 'metainfo.classes: ox, dog' in message


@pytest.mark.parametrize('name', ['dog\u200b', 'sea\u00a0lion', '\u2066dog'])
def test_characters_that_cannot_be_seen_are_said(folder, name):
    (folder / 'labels.csv').write_text(f'00.jpg,{name}\n01.jpg,dog\n')
    assert ascii(name) in ' '.join(read(folder).notes)


def test_an_image_twice_stops_whatever_its_labels(folder):
    (folder / 'labels.csv').write_text('00.jpg,ox\n./00.jpg,dog\n../photos/00.jpg,ox\n')
    message = refused(folder)
    assert (
        'different labels (ox; dog): ' in message
        and 'labels.csv, line 1; labels.csv, line 2' in message
    )
    assert 'the same labels' in message and 'line 1; labels.csv, line 3' in message


def test_items_reach_the_data_sample(folder):
    dataset = DATASETS.build(
        {
            'type': 'mlgcn.CsvMultiLabel',
            'ann_file': 'labels.csv',
            'data_root': str(folder),
            'data_prefix': 'photos',
            'classes': ['cat', 'dog'],
            'pipeline': PIPELINE,
        }
    )
    packed = dataset[3]
    assert packed['inputs'].shape == (3, 32, 48)
    sample = packed['data_samples']
    assert sample.gt_score.tolist() == [0, 1]
    assert sample.gt_label.tolist() == [1]
    assert sample.sample_idx == 3
    assert sample.img_path.endswith('03.jpg')


def test_class_balanced_repeats_the_rare_class(folder):
    lines = [f'{i:02d}.jpg,dog{"|ox" if i == 4 else ""}\n' for i in range(12)]
    (folder / 'labels.csv').write_text(''.join(lines))
    repeated = ClassBalancedDataset(read(folder), oversample_thr=0.5)
    paths = [repeated.get_data_info(i)['img_path'] for i in range(len(repeated))]
    # ceil(sqrt(0.5 / (1 / 12))) = 3 copies of the image with the ox
    assert np.unique([p[-6:] for p in paths], return_counts=True)[1].tolist() == [1] * 4 + [
        *(3, 1, 1, 1, 1, 1, 1, 1)
    ]


@pytest.mark.parametrize(('unlisted', 'value'), [('negative', 0), ('unknown', -1)])
def test_labels_that_are_not_listed(folder, unlisted, value, caplog):
    MMLogger.get_current_instance().addHandler(caplog.handler)
    (folder / 'labels.csv').write_text('00.jpg,dog\n01.jpg,cat\n')
    dataset = read(folder, unlisted=unlisted)
    assert dataset.get_data_info(0)['gt_score'].tolist() == [value, 1]
    assert f'{unlisted} (unlisted)' in caplog.text
    assert 'unlisted' in refused(folder, unlisted='nothing')


def test_labels_are_arrays_that_workers_share(folder):
    dataset = read(folder, pipeline=[])
    parts = vars(dataset.data_list).values()
    assert not any(isinstance(part, (list, dict, set)) for part in parts)
    loader = DataLoader(dataset, num_workers=2, collate_fn=list)
    paths = [item['img_path'] for batch in loader for item in batch]
    assert paths == [item['img_path'] for item in dataset.data_list]
    assert len(dataset.get_subset([3, 5])) == 2 and len(dataset.get_subset(-4)) == 4
