"""Two gloo processes: every parameter is used, and averaged gradients equal one process's."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch.nn.parallel import DistributedDataParallel

import mlgcn  # noqa: F401 (registers the models)

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


class Loss(torch.nn.Module):
    """The total loss as a module's forward, so that DistributedDataParallel sees it."""

    def __init__(self, name):
        super().__init__()
        torch.manual_seed(0)
        self.model = ImageClassifier(**MODELS[name]).double()
        self.model.init_weights()
        self.model.eval()  # BatchNorm's statistics do not depend on the split of the batch

    def forward(self, images, labels):
        samples = [DataSample().set_gt_score(row) for row in labels]
        return sum(self.model.loss(images, samples).values())


def batch():
    draw = torch.Generator().manual_seed(1)
    images = torch.randn(4, 3, 96, 96, generator=draw, dtype=torch.float64)
    return images, torch.randint(0, 2, (4, 3), generator=draw)


def train(loss, images, labels):
    """Gradients of two steps (DistributedDataParallel reports unused parameters in the second)."""
    for _ in range(2):
        loss.zero_grad()
        loss(images, labels).backward()
    return {key.removeprefix('module.'): p.grad for key, p in loss.named_parameters()}


def worker(rank, name, folder):
    torch.set_num_threads(1)
    dist.init_process_group('gloo', f'file://{folder}/store', rank=rank, world_size=2)
    images, labels = (part[rank * 2 : rank * 2 + 2] for part in batch())
    gradients = train(DistributedDataParallel(Loss(name)), images, labels)
    if rank == 0:
        torch.save(gradients, f'{folder}/gradients.pth')
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize('name', MODELS)
def test_averaged_gradients_equal_one_process(name, tmp_path):
    alone = train(Loss(name), *batch())
    mp.spawn(worker, (name, str(tmp_path)), nprocs=2)
    together = torch.load(tmp_path / 'gradients.pth', weights_only=True)
    assert together.keys() == alone.keys()
    for key, gradient in alone.items():
        scale = gradient.abs().max().clamp(min=1e-12)
        torch.testing.assert_close(together[key] / scale, gradient / scale, rtol=0, atol=1e-9)
