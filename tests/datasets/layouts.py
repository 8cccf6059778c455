"""The samples of published layouts in tests/data/layouts, and how tests read them."""

import json
import shutil
from pathlib import PurePosixPath

import pytest
from paths import TESTS

from mlgcn.datasets import PartialLabels

DATA = TESTS / 'data/layouts'
# layout: (folder, options)
SAMPLES = {
    'openimages_v6': (
        'openimages_v6',
        dict(ann_file='oidv6-train-annotations-human-imagelabels.csv'),
    ),
    'miil_csv': ('miil_openimages_csv', dict(ann_file='data.csv')),
    'chexpert': ('chexpert', dict(ann_file='train.csv')),
    'lvis': ('lvis_v1', dict(ann_file='lvis_v1_train.json')),
    'nuswide': ('nuswide', {}),
    'vg500': ('vg500', dict(ann_file='train_list_500.txt')),
    'wider_attribute': (
        'wider_attribute',
        dict(ann_file='Annotations/wider_attribute_trainval.json'),
    ),
    'csra_json': ('csra_json', dict(ann_file='test_wider.json')),
    'robust_loss_txt': ('robust_loss_txt', dict(ann_file='coco_train_0.4left.txt')),
    'spml_npy': ('spml_npy', dict(ann_file='formatted_train_labels_obs.npy')),
}


def build(layout, root=None, **options):
    folder, ours = SAMPLES[layout]
    options = {'data_root': str(root or DATA / folder), 'check_images': False, **ours, **options}
    return PartialLabels(layout, **options)


def rows(dataset):
    """[(image without its ending, labels)] in order."""
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    paths = [PurePosixPath(item['img_path']).relative_to(dataset.img_prefix) for item in items]
    return [(str(p.with_suffix('')), i['gt_score'].tolist()) for p, i in zip(paths, items)]


def expected(folder):
    return json.loads((DATA / folder / 'expected.json').read_text())


def stem(name):
    return name.partition('#')[0].removesuffix('.jpg')


def read_with_fault(layout, folder, file, change):
    """The message about a sample of which one file has been changed, a function of its bytes."""
    name, options = SAMPLES[layout]
    shutil.copytree(DATA / name, folder / 'data')
    path = folder / 'data' / (file or options['ann_file'])
    content = change(path.read_bytes())
    assert content != path.read_bytes()
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        build(layout, folder / 'data')
    return str(caught.value)


def assert_fault_is_named(layout, folder, file, old, new, words):
    """`words` are in the message about a file in which `new` replaces `old`."""
    message = read_with_fault(
        layout, folder, file, lambda b: b.replace(old.encode(), new.encode(), 1)
    )
    assert [word for word in words if word not in message] == [], message
