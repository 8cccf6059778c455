"""What has changed between a checkpoint and the run that resumes it."""

import numpy as np
import pytest
from mmengine.config import Config

from mlgcn.engine.resume_differences import (
    config_differences,
    data_difference,
    data_digest,
    table,
)


class Photos:
    """Images with labels, as mmengine's data sets give them."""

    def __init__(self, *items, root='/data'):
        self.items = [dict(img_path=f'{root}/{name}', gt_score=label) for name, label in items]

    def __len__(self):
        return len(self.items)

    def get_data_info(self, index):
        return self.items[index]


LIST = ('a/1.jpg', np.array([1, 0])), ('b/2.jpg', np.array([0, -1]))


def test_the_digest_is_of_names_labels_and_order():
    digest = data_digest(Photos(*LIST))
    assert digest['images'] == 2 and len(digest['sha256']) == 64
    assert data_digest(Photos(*LIST, root='/elsewhere/photos')) == digest
    for other in (
        [LIST[1], LIST[0]],
        [('a/1.jpg', np.array([1, 1])), LIST[1]],
        [('a/3.jpg', np.array([1, 0])), LIST[1]],
        [*LIST, ('c.jpg', np.array([0, 0]))],
    ):
        assert data_digest(Photos(*other)) != digest
        (row,) = data_difference(digest, data_digest(Photos(*other)))
        assert digest['sha256'][:8] in row[1] and f'{len(other)} images' in row[2]
    assert data_difference(digest, digest) == []


def test_a_data_set_without_a_list_has_a_size_alone():
    assert data_digest(range(5)) == dict(images=5, sha256=None)
    assert data_difference(data_digest(range(5)), data_digest(Photos(*LIST))) == []


CONFIG = dict(
    optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1), clip_grad=dict(max_norm=1.0)),
    param_scheduler=[dict(type='MultiStepLR', milestones=(3, 5))],
    train_dataloader=dict(batch_size=4, num_workers=2),
    randomness=dict(seed=1),
    work_dir='a',
)


@pytest.mark.parametrize(
    'change, row',
    [
        (dict(optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.2), clip_grad=dict(max_norm=1.0))),
         ('optim_wrapper.optimizer.lr', '0.1', '0.2', 'no')),
        (dict(param_scheduler=[dict(type='MultiStepLR', milestones=(3, 6))]),
         ('param_scheduler[0].milestones', '[3, 5]', '[3, 6]', 'no')),
        (dict(randomness=dict(seed=2)), ('randomness.seed', '1', '2', 'no')),
        (dict(train_dataloader=dict(batch_size=8, num_workers=0)),
         ('train_dataloader.batch_size', '4', '8', 'yes')),
        (dict(custom_hooks=['x']), ('custom_hooks', '-', '["x"]', 'yes')),
    ],
)  # fmt: skip
def test_a_changed_key(change, row):
    (found,), _ = config_differences(CONFIG, {**CONFIG, **change, 'work_dir': 'b'}, False)
    assert found[:3] == row[:3] and found[3].startswith(row[3])


def test_schedules_end_where_the_earlier_run_would_have():
    saved, longer = ({**CONFIG, 'train_cfg': dict(max_epochs=n)} for n in (3, 8))
    rows, _ = config_differences(saved, longer, new_schedules=False)
    assert rows[0][:3] == ('train_cfg.max_epochs', '3', '8') and rows[0][3] == 'yes'
    assert rows[1][:3] == ('end of param_scheduler', 'epoch 3', 'epoch 8')
    assert rows[1][3].startswith('no')
    assert len(config_differences(saved, longer, new_schedules=True)[0]) == 1


def test_new_schedules_take_effect():
    changed = {**CONFIG, 'param_scheduler': [dict(type='MultiStepLR', milestones=(3, 6))]}
    ((*_, takes_effect),), kept = config_differences(CONFIG, changed, new_schedules=True)
    assert takes_effect == 'yes' and kept == {}
    _, kept = config_differences(CONFIG, changed, new_schedules=False)
    cfg = Config(changed)
    cfg.merge_from_dict(kept)
    assert list(cfg.param_scheduler[0].milestones) == [3, 5]


def test_the_table_is_aligned():
    lines = table([('lr', '0.1', '0.2', 'no'), ('train_cfg.max_epochs', '1', '2', 'yes')])
    head, *rows = lines.splitlines()
    assert [row.split() for row in rows] == [
        ['lr', '0.1', '0.2', 'no'], ['train_cfg.max_epochs', '1', '2', 'yes'],
    ]  # fmt: skip
    assert len({row.index(row.split()[2]) for row in rows} | {head.index('now')}) == 1
