"""What a suite of `mlgcn benchmark --suite` consists of: each part makes rows of its table."""

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.runner import Runner
from PIL import Image
from torch import Tensor, nn
from torch.nn.modules._functions import SyncBatchNorm

from mlgcn.atomic_files import write_atomically
from mlgcn.checkpoints import fingerprint
from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.datasets.scenes import make_scenes
from mlgcn.engine.config import build_dataset
from mlgcn.models.layers.grapher import graph_operators
from mlgcn.ops import group_knn, group_knn_plain
from mlgcn.ops.knn import _nearest, split_groups
from mlgcn.ops.triton_knn import runs_in_triton

from .arguments import load_config
from .measuring import Row, compared, in_a_line, model_and_batch, step

NO_CARD = 'needs a card'


def arguments(config: str, device: str, **options: object) -> Namespace:
    """What a command line `mlgcn benchmark CONFIG` stands for."""
    return Namespace(config=config, device=device, compare=None, cfg_options=options)


def kernels(device: str, config: str, size: int) -> Iterator[Row]:
    """The searches of a forward pass: plain, in PyTorch and as they run; against float64."""
    model, images, _ = model_and_batch(arguments(config, device), 'ours', size, 1, 80)
    calls = {}  # one of every shape: the last, whose dilation is largest

    def search(*args: object) -> Tensor:
        calls[args[0].shape, args[1].shape] = args
        return group_knn(*args)

    with torch.no_grad(), graph_operators(model, search=search):
        model(images)
    for (nodes, keys), (x, y, k, dilation, groups, offset) in calls.items():
        exact = group_knn_plain(x.double(), y.double(), k, dilation, groups, offset)

        args = x, y, k, dilation, groups, offset
        pairs = [split_groups(t, groups).flatten(0, 1) for t in (x, y)]
        in_triton = runs_in_triton(*pairs, k * dilation)
        ours = 'Triton' if in_triton else 'ours'
        forms = {
            'plain': partial(group_knn_plain, *args),
            'PyTorch': partial(_nearest, *pairs, k * dilation, dilation, offset),
            ours: partial(group_knn, *args),
        }
        case = f'{tuple(nodes)} nodes, {keys[2:].numel()} keys, {k} x {dilation}'
        yield from compared(case, forms, 1, device)
        try:
            same = (group_knn(*args).sort(-1).values == exact.sort(-1).values).double().mean()
            note = f'{100 * same:.4f} % of the neighbours are those of float64'
        except Exception as error:  # whatever a driver can raise
            note = in_a_line(error)
        yield Row(case, ours, note=note)
        if not in_triton:
            yield Row(case, 'Triton', note='did not run' if device == 'cuda' else NO_CARD)


def models(
    device: str,
    config: str,
    size: int,
    batch: int,
    precisions: tuple[str, ...] = ('fp32',),
    **options: object,
) -> Iterator[Row]:
    """Forward and training steps of two forms of a model, in every precision."""
    args = arguments(config, device, **options)
    is_gkgnet = load_config(args).model.backbone.type == 'mlgcn.PyramidViG'
    forms = dict.fromkeys(('forward', 'training'), ['plain', 'ours'])
    if not is_gkgnet:
        forms = {'forward': ['ours', 'fuse'], 'training': ['ours']}  # a fused one can't be trained
    built = {form: model_and_batch(args, form, size, batch, 80) for form in forms['forward']}
    for precision, what in itertools.product(precisions, forms):
        runs = {form: step(what, precision, form, *built[form]) for form in forms[what]}
        yield from compared(f'{what}, {size}, batch {batch}, {precision}', runs, batch, device)


def sync_bn(device: str, config: str, size: int, batch: int) -> Iterator[Row]:
    """Data-parallel training over NCCL in one process: SyncBatchNorm against BatchNorm."""
    if device == 'cpu':
        yield Row('training by nccl', 'SyncBatchNorm', note=NO_CARD)
        return
    with tempfile.TemporaryDirectory() as folder:
        dist.init_process_group('nccl', f'file://{folder}/store', rank=0, world_size=1)
        runs, gradients = {}, {}
        for form in ('BatchNorm', 'SyncBatchNorm'):
            model, *data = model_and_batch(arguments(config, device), 'ours', size, batch, 80)
            if form == 'SyncBatchNorm':
                model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
            torch.manual_seed(0)  # of stochastic depth
            runs[form] = step(
                'training', 'fp32', 'ours', nn.parallel.DistributedDataParallel(model), *data
            )
            runs[form]()
            gradients[form] = torch.cat([p.grad.flatten() for p in model.parameters()])
        apart = torch.dist(*gradients.values()) / gradients['BatchNorm'].norm()
        yield from compared(f'training by nccl, {size}, batch {batch}', runs, batch, device)
        yield Row('gradients', 'SyncBatchNorm', note=f'{apart:.1e} of their norm from BatchNorm')
        # torch exchanges nothing with one process; its function does when called itself
        x = torch.randn(batch, 80, 144, 144, device=device, requires_grad=True)
        norm = nn.BatchNorm2d(80).to(device)
        means = norm.running_mean.clone(), norm.running_var.clone()
        exchanged = SyncBatchNorm.apply(
            x, norm.weight, norm.bias, *means, norm.eps, norm.momentum, dist.group.WORLD, 1
        )
        usual = norm(x)
        grads = [torch.autograd.grad(y.square().sum(), x)[0] for y in (exchanged, usual)]
        note = (
            f'{torch.dist(exchanged, usual):.1e}, gradient {torch.dist(*grads):.1e} from BatchNorm'
        )
        yield Row('statistics exchanged', 'SyncBatchNorm', note=note)
        dist.destroy_process_group()


def photographs(folder: Path, count: int) -> Path:
    """A list of JPEG files of 640 x 480 that are as hard to decode as photographs."""
    for index in range(count):
        smooth = Image.effect_noise((80, 60), 120).resize((640, 480), Image.Resampling.BICUBIC)
        channels = [Image.blend(smooth, Image.effect_noise(smooth.size, 60), 0.3)] * 3
        Image.merge('RGB', channels).save(folder / f'{index}.jpg', quality=90)
    rows = ''.join(f'{index}.jpg,label {index % 2}\n' for index in range(count))
    write_atomically(folder / 'list.csv', rows)
    return folder / 'list.csv'


def loader(
    device: str, config: str, size: int, batch: int, batches: int, workers: int
) -> Iterator[Row]:
    """Images read, augmented and copied; training on one batch; training on what is read."""
    cfg = load_config(arguments(config, device))
    with tempfile.TemporaryDirectory() as folder:
        listed = str(photographs(Path(folder), 2 * batch))
        read_from = cfg.train_dataloader
        read_from.dataset = dict(
            type='mlgcn.OwnPhotos', ann_file=listed, pipeline=cfg.train_pipeline
        )
        read_from.sampler = dict(type='InfiniteSampler', shuffle=True)
        read_from.update(batch_size=batch, num_workers=workers, persistent_workers=workers > 0)
        read_from.dataset = build_dataset(cfg, 'train_dataloader')
        read = iter(Runner.build_dataloader(read_from, seed=0))
        model, images, labels = model_and_batch(arguments(config, device), 'ours', size, batch, 2)
        prepare = partial(model.data_preprocessor, training=True)
        precision = 'bf16' if device == 'cuda' else 'fp32'

        def copied() -> None:
            for _ in range(batches):
                prepare(next(read))

        def trained() -> None:
            for _ in range(batches):
                run()

        def fed() -> None:
            for _ in range(batches):
                data = prepare(next(read))
                images.copy_(data['inputs'])
                run()

        run = step('training', precision, 'ours', model, images, labels)
        forms = {'loader alone': copied, 'step alone': trained, 'step fed by it': fed}
        case = f'training, {size}, batch {batch}, {precision}, {workers} workers'
        yield from compared(case, forms, batch * batches, device, 1)


def resume(device: str, config: str, epochs: int) -> Iterator[Row]:
    """A run that is killed and resumed ends with the weights, bit for bit, of one that is not."""
    with tempfile.TemporaryDirectory() as folder:
        make_scenes(f'{folder}/scenes', 0, 96, 32)
        words = [sys.executable, '-m', 'mlgcn', 'train', config, '--seed', '0', '--quiet']
        changes = f'train_cfg.max_epochs={epochs} train_dataloader.batch_size=8 '
        changes += 'default_hooks.checkpoint.every_iters=2 train_dataloader.num_workers=1'
        environment = os.environ | dict(MLGCN_DATA=folder, CUBLAS_WORKSPACE_CONFIG=':4096:8')
        if device == 'cpu':
            environment['CUDA_VISIBLE_DEVICES'] = ''

        def train(name: str, *more: str) -> subprocess.Popen:
            command = [*words, '--work-dir', f'{folder}/{name}', *more, '--cfg-options']
            return subprocess.Popen(
                command + changes.split(), env=environment, stdout=subprocess.DEVNULL
            )

        whole = train('whole')
        whole.wait()  # one after the other: the card is not shared
        killed = train('killed')
        while killed.poll() is None and not Path(folder, 'killed/last_checkpoint').exists():
            time.sleep(0.02)
        killed.kill()
        killed.wait()
        resumed = train('killed', '--resume')
        codes = whole.wait(), killed.wait(), resumed.wait()
        if codes != (0, -signal.SIGKILL, 0):
            raise RuntimeError(f'whole, killed and resumed runs ended with {codes}')
        weights = [
            safe_load(f'{folder}/{name}/epoch_{epochs}.pth')['state_dict']
            for name in ('whole', 'killed')
        ]
        same = len({fingerprint(part) for part in weights}) == 1
        apart = max(
            (a.double() - b.double()).abs().max() for a, b in zip(*map(dict.values, weights))
        )
        note = 'the same bits' if same else f'DIFFERENT, by {apart:.1e} at most'
        yield Row(f'{config}, {epochs} epochs', 'killed and resumed', note=note)
