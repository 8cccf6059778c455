"""One, two and four processes (gloo): the same gradients, the same training, the same scores."""

import os
import runpy
import sys

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from machine import free_port, run_tool
from mmengine.config import Config
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from tiny import ROOT, make_photos, write_config
from torch.nn.parallel import DistributedDataParallel

import mlgcn  # noqa: F401 (registers the models)
from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.cli import faults
from mlgcn.evaluation import multilabel_scores

WIDTHS = (8, 8, 16, 16)
MODELS = {
    'addgcn': dict(
        backbone=dict(type='ResNet', depth=18, stem_channels=4, base_channels=4),
        head=dict(type='mlgcn.ADDGCNHead', num_classes=3, in_channels=32, node_channels=8),
    ),
    'gkgnet': dict(
        backbone=dict(
            type='mlgcn.PyramidViG', arch=(WIDTHS, (1, 1, 1, 1)), k=3, img_size=96,
            out_indices=(0, 1, 2, 3),
        ),
        neck=dict(type='mlgcn.LabelGraphNeck', num_classes=3, in_channels=WIDTHS, k=3),
        head=dict(
            type='mlgcn.GKGHead', num_classes=3, in_channels=16,
            loss=dict(
                bce_loss=dict(type='mlgcn.BinaryCrossEntropy', label_smoothing=0.1),
                asy_loss=dict(type='AsymmetricLoss', gamma_pos=0.0, gamma_neg=2.0, loss_weight=10),
            ),
        ),
    ),
}  # fmt: skip
PEERS = dict(
    csra=dict(type='mlgcn.CSRAHead', num_heads=2),
    ml_gcn=dict(type='mlgcn.MLGCNHead', hidden=8, embed_channels=6),
    ml_decoder=dict(type='mlgcn.MLDecoderHead', embed_dim=8),
    query2label=dict(type='mlgcn.Query2LabelHead', hidden=8),
    ctran=dict(type='mlgcn.CTranHead', num_layers=1, most_known=0.0),  # no random states
)
for name, head in PEERS.items():
    head.update(num_classes=3, in_channels=32)
    MODELS[name] = dict(backbone=MODELS['addgcn']['backbone'], head=head)


class Loss(torch.nn.Module):
    """The total loss as a module's forward, so that DistributedDataParallel sees it."""

    def __init__(self, name):
        super().__init__()
        torch.manual_seed(0)
        self.model = ImageClassifier(**MODELS[name])
        self.model.init_weights()
        for layer in self.modules():
            if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
                layer.momentum = None  # the mean over all batches, which are one
        with torch.no_grad():
            self(*batch())
        self.model.eval()  # from here on statistics do not depend on the split of the batch

    def forward(self, images, labels):
        samples = [DataSample().set_gt_score(row) for row in labels]
        return sum(self.model.loss(images, samples).values())


def batch():
    draw = torch.Generator().manual_seed(1)
    images = torch.randn(8, 3, 96, 96, generator=draw)
    return images, torch.randint(0, 2, (8, 3), generator=draw)


def train(loss, images, labels):
    """Gradients of two steps (DistributedDataParallel reports unused parameters in the second)."""
    for _ in range(2):
        loss.zero_grad()
        loss(images, labels).backward()
    return {key.removeprefix('module.'): p.grad for key, p in loss.named_parameters()}


def worker(rank, name, folder, ranks):
    torch.set_num_threads(1)
    dist.init_process_group('gloo', f'file://{folder}/store{ranks}', rank=rank, world_size=ranks)
    share = 8 // ranks
    images, labels = (part[rank * share : (rank + 1) * share] for part in batch())
    gradients = train(DistributedDataParallel(Loss(name)), images, labels)
    if rank == 0:
        torch.save(gradients, f'{folder}/{ranks}.pth')
    dist.destroy_process_group()


def assert_close(ours, theirs, tolerance):
    """Equal within `tolerance` of the greatest entry of each tensor."""
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        scale = value.abs().max().clamp(min=1e-12)
        torch.testing.assert_close(
            ours[key] / scale, value / scale, rtol=0, atol=tolerance, msg=key
        )


@pytest.mark.slow
@pytest.mark.parametrize('name', MODELS)
def test_averaged_gradients_equal_one_process(name, tmp_path):
    """float32. No parameter goes unused: DistributedDataParallel would say so.

    Single images take other convolution kernels, whose rounding is seen in GKGNet's maxima over
    neighbours (4e-5; float64: 5e-15), so each process has two at least.
    """
    alone = train(Loss(name), *batch())
    for ranks in (2, 4):
        mp.start_processes(worker, (name, str(tmp_path), ranks), ranks, start_method='fork')
        together = torch.load(tmp_path / f'{ranks}.pth', weights_only=True)
        assert_close(together, alone, 1e-5)


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp('ddp') / 'photos', 25, 13)


FROZEN = """
model['backbone']['norm_eval'] = True  # statistics of a batch depend on its size
optim_wrapper = dict(clip_grad=dict(max_norm=0.1), accumulative_counts={})
"""


def trained(folder, photos, ranks, size, accumulated):
    """The weights after two epochs of 25 images, augmentation included."""
    config = write_config(folder, photos, 'LinearHead', FROZEN.format(accumulated))
    options = ['--seed', 7, '--cfg-options', f'train_dataloader.batch_size={size}']
    run(folder, 'train', config, '--work-dir', folder / f'run{ranks}', *options, ranks=ranks)
    return weights(folder / f'run{ranks}/epoch_2.pth')


def run(folder, name, *args, ranks=1):
    for status, text in run_tool(folder, name, *args, ranks=ranks):
        assert status == 0, text[-3000:]


def weights(path):
    state = safe_load(path)['state_dict']
    return {key: value for key, value in state.items() if value.is_floating_point()}


@pytest.mark.slow
@pytest.mark.parametrize(('accumulated', 'sizes'), [(1, {1: 8, 2: 4, 4: 2}), (2, {1: 4, 2: 2})])
def test_training_does_not_depend_on_the_number_of_processes(tmp_path, photos, accumulated, sizes):
    alone, *others = (trained(tmp_path, photos, *size, accumulated) for size in sizes.items())
    for several in others:
        assert_close(several, alone, 1e-5)


SIZES = (7, 10, 13)


def score(rank, folder, ranks, ports):
    """`tools/test.py` for each number of images, in one of `ranks` processes."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks))
    faults.end_now = lambda: None  # this process has another size to score
    for size, port in zip(SIZES, ports):
        # a port for each: process 0 may still be closing the store of the last one
        os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
        options = [f'{folder}/tiny.py', f'{folder}/epoch.pth', '--launcher', 'pytorch']
        own = ['--cfg-options', f'own.val={folder}/photos/val{size}.csv']
        written = ['--out', f'{folder}/{ranks}_{size}.npz', '--work-dir', f'{folder}/test']
        sys.argv = ['test.py', *options, *written, *own]
        runpy.run_path(str(ROOT / 'tools/test.py'), run_name='__main__')


@pytest.mark.slow
def test_scores_do_not_depend_on_the_number_of_processes(tmp_path):
    """For numbers of images that two and four do not divide."""
    photos = make_photos(tmp_path / 'photos', 8, max(SIZES))
    lines = (photos / 'val.csv').read_text().splitlines(keepends=True)
    for size in SIZES:
        (photos / f'val{size}.csv').write_text(''.join(lines[:size]))
    config = write_config(tmp_path, photos)
    run(tmp_path, 'train', config, '--work-dir', tmp_path / 'run', '--seed', 1)
    (tmp_path / 'run/epoch_2.pth').rename(tmp_path / 'epoch.pth')
    for ranks in (1, 2, 4):
        ports = [free_port() for _ in SIZES]
        mp.start_processes(score, (tmp_path, ranks, ports), ranks, start_method='fork')
    for size in SIZES:
        alone, two, four = (np.load(tmp_path / f'{ranks}_{size}.npz') for ranks in (1, 2, 4))
        assert alone['scores'].shape == (size, 3)
        for several in (two, four):
            for key in ('file_names', 'targets'):
                np.testing.assert_array_equal(several[key], alone[key])
            np.testing.assert_allclose(several['scores'], alone['scores'], atol=1e-5)
            names = several['scores'], several['targets'], 'addgcn'
            expected = multilabel_scores(alone['scores'], alone['targets'], 'addgcn')
            assert multilabel_scores(*names)['mAP'] == pytest.approx(expected['mAP'], abs=1e-9)


SHARDED = """
runner_type = {runner_type!r}
strategy = {strategy!r}
optim_wrapper = dict(clip_grad=dict(max_norm=0.1))
model['head']['node_channels'] = 1024
"""


@pytest.mark.slow
def test_sharded_training_equals_training_in_copies(tmp_path, photos):
    """FSDP, as its config has it: the same weights as DDP, also after a resumption."""
    cfg = Config.fromfile(ROOT / 'configs/addgcn/addgcn_coco_448_fsdp.py')
    strategy = cfg.strategy.to_dict()
    strategy['model_wrapper']['auto_wrap_policy']['min_num_params'] = 10_000  # of 1.5 million
    ends = []
    for name in ('Runner', cfg.runner_type):
        extra = SHARDED.format(runner_type=name, strategy=strategy)
        config = write_config(tmp_path, photos, extra=extra)
        options = [config, '--work-dir', tmp_path / name, '--seed', 3]
        run(tmp_path, 'train', *options, ranks=2)
        ends.append(weights(tmp_path / name / 'epoch_2.pth'))
    assert_close(ends[1], ends[0], 1e-5)
    (tmp_path / name / 'epoch_2.pth').unlink()  # go on from epoch_1.pth
    run(tmp_path, 'train', *options, '--resume', ranks=2)
    assert_close(weights(tmp_path / name / 'epoch_2.pth'), ends[0], 1e-5)
