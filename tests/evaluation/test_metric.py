"""MultiLabelScores inside mmengine: samples in, plain keys out, the same on any number of ranks."""

import re

import numpy as np
import pytest
import torch
import torch.multiprocessing
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

from mlgcn.evaluation import METRIC_NAMES, Calibration, ScoresFile, multilabel_scores, score_rows
from mlgcn.evaluation.metric import tie_warning
from mlgcn.registry import METRICS

NAMES = ('cat', 'dog', 'cow', 'sheep', 'horse')


def data(n, seed=0):
    """Logits on a grid, so that ties make the order of the images matter, and 1, 0, -1 targets."""
    rng = np.random.RandomState(seed)
    logits = np.round(2 * rng.randn(n, len(NAMES))).astype(np.float32) / 2
    return logits, rng.choice([-1, 0, 1], p=[0.1, 0.5, 0.4], size=logits.shape).astype(np.int8)


def sample(i, logits, target):
    sample = DataSample(metainfo={'sample_idx': i, 'img_path': f'images/{i:03}.jpg'})
    sample.set_gt_score(target).set_pred_score(torch.from_numpy(logits).sigmoid())
    return sample.set_field(torch.from_numpy(logits), 'pred_logits') or sample


def samples_of(logits, target):
    return [sample(i, x, t) for i, (x, t) in enumerate(zip(logits, target))]


def build(**kwargs):
    metric = METRICS.build(dict(type='mlgcn.MultiLabelScores', **kwargs))
    metric.dataset_meta = {'classes': NAMES}
    return metric


def score(metric, samples, size, batch=4):
    for start in range(0, len(samples), batch):
        metric.process(None, [s.to_dict() for s in samples[start : start + batch]])
    return metric.evaluate(size)


def test_one_process(tmp_path):
    logits, target = data(11)
    samples = samples_of(logits, target)
    metric = build(protocol='gkgnet', out_file=str(tmp_path / 'out/scores.npz'))
    metric.calibration = Calibration(1.5, np.linspace(0.1, 0.9, 5, dtype=np.float32), 'on val')
    values = score(metric, samples[::-1], 11)
    assert values == multilabel_scores(logits, target, 'gkgnet').values
    assert tuple(values) == METRIC_NAMES and metric.rows.keys == []
    file = ScoresFile.load(tmp_path / 'out/scores.npz')
    assert file.file_names.tolist() == [f'images/{i:03}.jpg' for i in range(11)]
    assert file.class_names.tolist() == list(NAMES) and file.protocol == 'gkgnet'
    np.testing.assert_array_equal(file.scores, logits)
    np.testing.assert_array_equal(file.targets, target)
    assert file.temperature == 1.5
    np.testing.assert_array_equal(file.thresholds, metric.calibration.thresholds)
    assert score(build(report=['mAP'], prefix='val'), samples, 11).keys() == {'val/mAP'}
    assert score(build(report=('all',)), samples, 11).keys() == set(METRIC_NAMES)
    assert score(build(report='CF1'), samples, 11).keys() == {'CF1'}


def test_table_names_protocol_images_and_empty_classes(monkeypatch):
    logits, target = data(11)
    target[:, 2] = 0
    samples = samples_of(logits, target)
    lines = []
    monkeypatch.setattr('mlgcn.evaluation.metric.print_log', lambda text, **_: lines.append(text))
    metric = build(per_class=True)
    score(metric, samples, 11)
    (warning, ties), table = lines, metric.table
    assert warning.endswith("left out of mAP and CR: 'cow'")
    assert 'score of a negative one' in ties and table.endswith(f'\nwarning: {ties}')
    assert "protocol 'addgcn', 11 images, 5 classes" in table
    assert re.search(r'\ncow +0 +-\n', table) and re.search(r'\nhorse +\d+ +\d+\.\d\d\n', table)


def test_equal_scores_are_named():
    logits = np.random.RandomState(0).randn(20, 5).astype(np.float32)
    target = (np.arange(20)[:, None] % (np.arange(5) + 2) == 0).astype(np.int8)
    assert tie_warning(logits, target, NAMES) is None
    logits[:, 1] = 3  # constant
    logits[[0, 1], 3] = 1.5  # one of four positives of class 3 scores as a negative does
    text = tie_warning(logits, target, NAMES)
    assert '2 of 5 classes' in text and 'dog 100%' in text and 'sheep 25%' in text


def test_other_inputs():
    logits, target = data(30)
    probabilities = torch.from_numpy(logits).sigmoid()
    samples = []
    for i in range(30):  # as an upstream head and upstream's MultiLabelDataset give them
        one = DataSample(metainfo={'sample_idx': i}).set_pred_score(probabilities[i])
        samples.append(one.set_gt_label(np.flatnonzero(target[i] == 1)))
    expected = multilabel_scores(logits, target == 1, 'addgcn')
    assert score(build(), samples, 30) == expected.values


def test_saturated_probabilities():
    """Of upstream heads: probabilities of 0 and 1 are no reason to stop."""
    probabilities = torch.tensor([[0.0, 1, 0.75, 1, 1], [1, 0, 0.25, 0, 0]])
    samples = []
    for i, row in enumerate(probabilities):
        one = DataSample(metainfo={'sample_idx': i}).set_pred_score(row)
        samples.append(one.set_gt_score(row.round()))
    assert score(build(), samples, 2)['OF1'] == 100


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('order', ['sorted', 'reversed', 'padded'])
def test_many_scores_lie_in_files(order, tmp_path, monkeypatch):
    logits, target = data(30)
    samples = samples_of(logits, target)
    plain = build(protocol='gkgnet', out_file=str(tmp_path / 'plain.npz'))
    expected = score(plain, samples, 30)
    monkeypatch.setattr('mlgcn.evaluation.score_rows.LARGE', 4 * 5 * len(NAMES))  # four images
    metric = build(protocol='gkgnet', out_file=str(tmp_path / 'files.npz'))
    samples = {'sorted': samples, 'reversed': samples[::-1], 'padded': samples + samples[:3]}[order]
    seen = []
    scored = metric.compute_metrics
    monkeypatch.setattr(metric, 'compute_metrics', lambda r: seen.extend(r) or scored(r))
    assert score(metric, samples, 30) == expected
    assert isinstance(seen[1], np.memmap) and isinstance(seen[2], np.memmap)
    files = [ScoresFile.load(tmp_path / f'{name}.npz') for name in ('plain', 'files')]
    np.testing.assert_array_equal(files[0].scores, files[1].scores)
    np.testing.assert_array_equal(files[0].targets, files[1].targets)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['files.npz', 'plain.npz']


def test_padding_is_dropped_but_not_the_same_index_of_another_data_set():
    logits, target = data(20)
    samples = samples_of(logits, target)
    for one in samples[10:]:  # as ConcatDataset numbers them
        one.set_metainfo({'sample_idx': one.sample_idx - 10})
    expected = multilabel_scores(logits, target, 'addgcn', NAMES)['CF1']
    assert score(build(), samples + samples[:3], 20)['CF1'] == expected


@pytest.mark.parametrize(
    'change, message',
    [
        ({'protocol': 'voc'}, "protocol is 'voc'"),
        ({'report': ['map']}, r"metrics \['map'\]: expected 'all' or some of"),
        ({'out_file': 'scores.pkl'}, 'must end in .npz'),
    ],
)
def test_wrong_config(change, message):
    with pytest.raises(ValueError, match=message):
        build(**change)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(sample_idx=None), 'images/000.jpg: .*sample_idx.*meta_keys of PackInputs'),
        (dict(pred_logits=torch.full((5,), np.nan)), 'images/000.jpg: its scores hold NaN'),
        (dict(pred_logits=torch.full((5,), -np.inf)), 'images/000.jpg: .* infinity'),
        (dict(gt_score=torch.full((5,), 0.5)), 'images/000.jpg: gt_score .* only 1, 0 and -1'),
        (dict(gt_score=torch.zeros(4)), 'images/000.jpg: 5 scores but 4 labels'),
    ],
)
def test_wrong_samples(change, message):
    wrong = samples_of(*data(1))[0].to_dict() | change
    wrong = {key: value for key, value in wrong.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        build().process(None, [wrong])


def test_wrong_numbers():
    samples = samples_of(*data(3))
    with pytest.raises(ValueError, match='3 different images were scored, but the data set has 4'):
        score(build(), samples, 4)
    with pytest.raises(ValueError, match='0 different images'):
        build().evaluate(0)
    metric = build()
    metric.dataset_meta = {'classes': NAMES[:4]}
    with pytest.raises(ValueError, match='4 class names for scores of 5 classes'):
        score(metric, samples, 3)


def test_images_that_could_not_be_read_are_left_out_of_the_count():
    logits, target = data(3)
    samples = samples_of(logits[:2], target[:2]) + [sample(1, logits[1], target[1])]
    samples[2].set_metainfo({'skipped': {'images/002.jpg': 'no such file'}})
    metric = build()
    assert score(metric, samples, 3) == multilabel_scores(logits[:2], target[:2], 'addgcn').values
    with pytest.raises(ValueError, match='2 different .* has 4, of which 1 could not be read'):
        score(metric, samples, 4)
    with pytest.raises(ValueError, match='data set has 3$'):  # the next evaluation starts afresh
        score(metric, samples[:2], 3)


def rank_main(rank, world, folder):
    """One rank: every size and both sampler modes; all ranks must return the same floats."""
    score_rows.ROWS = 4  # images that are sent at once
    score_rows.LARGE = 100 if world == 3 else score_rows.LARGE
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=world
    )
    outcomes = {}
    for n in (2, 7, 30):
        logits, target = data(n, seed=n)
        for round_up in (True, False):
            evaluator = Evaluator(build(out_file=f'{folder}/{n}_{round_up}.npz'))
            evaluator.dataset_meta = {'classes': NAMES}
            indices = list(DefaultSampler(range(n), shuffle=False, round_up=round_up))
            for start in range(0, len(indices), 2):
                batch = indices[start : start + 2]
                evaluator.process([sample(i, logits[i], target[i]) for i in batch])
            outcomes[f'{n}_{round_up}'] = evaluator.evaluate(n)
    wrong = Evaluator(build())
    wrong.dataset_meta = {'classes': NAMES[1:]}  # found out on rank 0
    wrong.process([sample(rank, logits[rank], target[rank])])
    with pytest.raises(ValueError, match='4 class names for scores of 5 classes'):
        wrong.evaluate(world)
    torch.save(outcomes, f'{folder}/{rank}.pt')
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize('world', [2, 3])
def test_ranks_give_the_same_as_one_process(world, tmp_path):
    options = dict(nprocs=world, start_method='fork')  # nothing is imported again
    torch.multiprocessing.start_processes(rank_main, (world, str(tmp_path)), **options)
    for n in (2, 7, 30):
        logits, target = data(n, seed=n)
        expected = multilabel_scores(logits, target, 'addgcn').values
        for round_up in (True, False):
            for rank in range(world):
                outcome = torch.load(tmp_path / f'{rank}.pt', weights_only=True)
                assert outcome[f'{n}_{round_up}'] == expected  # bit for bit
            file = ScoresFile.load(tmp_path / f'{n}_{round_up}.npz')
            np.testing.assert_array_equal(file.scores, logits)
