"""Time and memory: mlgcn benchmark CONFIG --compare plain (docs/performance.md).

What can be measured (--what): build the model, forward, train (forward and backward), step (one
training step with data from JPEG files), loader and test_loader (those files alone, through the
training or test transforms), inference (images per second).
--compare plain runs GKGNet as published and ours in turns (loaders: ADD-GCN's plain images);
--compare fuse the model as it is and with --fuse (batch norms folded, channels last). Weights,
images and labels are random.
"""

import argparse
import atexit
import contextlib
import functools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from PIL import Image
from torch.utils.data import DataLoader

from mlgcn.apis.shipped_configs import find_config
from mlgcn.cli.measure import floor, interleaved, peak_memory, plain_form
from mlgcn.engine.config_check import ConfigError
from mlgcn.engine.config_file import read_config
from mlgcn.engine.fit_to_data import fit_to_data
from mlgcn.engine.fuse import fuse
from mlgcn.registry import MODELS

from . import options

OVERRIDDEN = ('image_size', 'batch_size', 'num_classes')  # by a sweep
LOADERS = ('loader', 'test_loader')
WHAT = ('build', 'forward', 'train', 'step', *LOADERS, 'inference')


def add_options(parser: argparse.ArgumentParser) -> None:
    options.add(parser, 'config', '--cfg-options')
    parser.add_argument('--what', nargs='+', choices=WHAT, default=['build', 'forward', 'train'])
    parser.add_argument('--compare', choices=['plain', 'fuse'], help='run both in turns')
    parser.add_argument('--image-size', type=int, default=448, help='pixels of a side')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--num-classes', type=int, default=80)
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--repeat', type=int, default=5, help='measured runs of each')
    parser.add_argument('--bf16', action='store_true', help='under bfloat16 autocast')
    parser.add_argument('--with-cp', action='store_true', help="the backbone's checkpointing")
    parser.add_argument('--workers', type=int, default=0, help='of the loader')
    parser.add_argument(
        '--sweep',
        nargs='+',
        metavar=('KEY', 'VALUE'),
        help='measure at several values of image_size, batch_size or num_classes',
    )
    parser.add_argument('--draw', help="the sweep's picture (.png or .svg; needs matplotlib)")
    parser.add_argument('--out', help='write the figures here (.json)')
    parser.add_argument('--memory-of', help=argparse.SUPPRESS)  # one form, in a process of its own


def main(args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    MMLogger.get_instance('mlgcn', log_level='WARNING')
    if args.memory_of:
        measured = Measured(args, config_of(args), args.memory_of)
        measured.warm_up()
        function = getattr(measured, args.what[0])
        print(json.dumps(peak_memory(function, torch.device(args.device))))
        return
    if not args.sweep:
        result = dict(options=vars(args), machine=machine(args), figures=measure_all(args))
    else:
        key, values = args.sweep[0], [int(value) for value in args.sweep[1:]]
        if key not in OVERRIDDEN or not values:
            raise ConfigError(
                f'--sweep {" ".join(args.sweep)}: expected image_size, batch_size or num_classes, '
                'then values'
            )
        figures = {}
        for value in values:
            print(f'{key} = {value}')
            figures[value] = measure_all(argparse.Namespace(**{**vars(args), key: value}))
        result = dict(options=vars(args), machine=machine(args), figures=figures)
        if args.draw:
            draw_sweep(key, result, args.draw)
    if args.out:
        Path(args.out).write_text(json.dumps(result, indent=1) + '\n')


def config_of(args: argparse.Namespace) -> Config:
    """The config with random weights and the number of classes that is asked for."""
    cfg = read_config(find_config(args.config), args.cfg_options)
    init_default_scope('mmpretrain')
    fit_to_data(cfg, [f'class {i}' for i in range(args.num_classes)])
    cfg.model.data_preprocessor = dict(
        type='ClsDataPreprocessor', num_classes=args.num_classes, **cfg.data_preprocessor
    )
    cfg.model.backbone.init_cfg = None
    graph = cfg.model.backbone.type == 'mlgcn.PyramidViG'
    plain_loader = args.compare == 'plain' and any(what in LOADERS for what in args.what)
    if plain_loader or not graph and (args.compare == 'plain' or args.with_cp):
        raise ConfigError(
            f'{args.config}: --compare plain and --with-cp are for models with the backbone '
            f'mlgcn.PyramidViG, not {cfg.model.backbone.type}, and not for {" and ".join(LOADERS)}'
        )
    if args.with_cp:
        cfg.model.backbone.with_cp = True
    return cfg


def measure_all(args: argparse.Namespace) -> dict:
    """The figures of everything in --what, printed as they come."""
    cfg, result = config_of(args), {}
    forms = dict(plain=['plain', 'ours'], fuse=['ours', 'fuse']).get(args.compare, ['ours'])
    for what in args.what:
        result[what] = measure(args, cfg, what, forms)
        print_figures(what, result[what])
        if args.compare == 'plain' and what in ('forward', 'train'):
            shares = floor(getattr(Measured(args, cfg, 'ours'), what))
            result[f'{what} floor'] = shares
            print(f'{what:10} floor: ' + ', '.join(f'{k} {v:.3f} s' for k, v in shares.items()))
    return result


def draw_sweep(key: str, result: dict, path: str) -> None:
    """Median time and peak memory of every form against the values of `key`."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    for (what, form), marker in zip(
        [(w, f) for w in result['options']['what'] for f in ('plain', 'ours', 'fuse')], 'os^vDxPd<>'
    ):
        points = [
            (value, figures[what][form])
            for value, figures in result['figures'].items()
            if form in figures[what]
        ]
        if points:
            x = [value for value, _ in points]
            label = f'{what}, {form}'
            axes[0].plot(x, [f['median'] for _, f in points], marker=marker, label=label)
            axes[1].plot(
                x, [f['peak_mib']['tensors'] for _, f in points], marker=marker, label=label
            )
    name = key.replace('_', ' ')
    axes[0].set(xlabel=name, ylabel='seconds (median)', ylim=0)
    axes[1].set(xlabel=name, ylabel='peak memory (tensors), MiB', ylim=0)
    axes[0].legend()
    figure.suptitle(f'{Path(result["options"]["config"]).stem}, {result["machine"]["device"]}')
    figure.tight_layout()
    figure.savefig(path, dpi=100)


class Measured:
    """One form of the model, with a method for everything that can be measured."""

    def __init__(self, args: argparse.Namespace, cfg: Config, form: str):
        self.args, self.cfg, self.form = args, cfg, form
        self.device = torch.device(args.device)
        torch.manual_seed(0)
        self.model = self.build()
        self.answering = fuse(self.build().eval()) if form == 'fuse' else self.model
        side, batch = args.image_size, args.batch_size
        self.images = torch.randn(batch, 3, side, side, device=self.device)
        present = (torch.rand(batch, args.num_classes) < 0.1).float().to(self.device)
        self.labels = [DataSample().set_gt_score(row) for row in present]
        self.packed = pseudo_collate(
            [
                dict(
                    inputs=torch.randint(256, (3, side, side), dtype=torch.uint8),
                    data_samples=DataSample(metainfo=dict(sample_idx=i)),
                )
                for i in range(batch)
            ]
        )
        if form == 'plain':  # the tables of relative positions belong to the published model
            for i, stage in enumerate(self.model.backbone.stages):
                grid = [-(-side // (4 << i))] * 2
                nodes = grid[0] * grid[1]
                stage.relative_position(nodes, stage.num_keys(grid), self.device)

    def build(self) -> torch.nn.Module:
        return MODELS.build(self.cfg.model).to(self.device)

    def warm_up(self) -> None:
        """Have the libraries load what they need, with small images."""
        images, side = self.images, min(self.args.image_size, 224)
        self.images = images[..., :side, :side].contiguous()
        tables = [stage._table for stage in getattr(self.model.backbone, 'stages', [])]
        self.forward()
        if self.args.what[0] in ('train', 'step'):
            self.train()
            self.model.zero_grad()
        for stage, table in zip(getattr(self.model.backbone, 'stages', []), tables):
            stage._table = table
        self.images = images

    def forward(self) -> None:
        with torch.no_grad(), self._form():
            self.answering.eval()(self.images)

    def train(self) -> None:
        self.model.train().zero_grad()
        with self._form():
            losses = self.model(self.images, self.labels, mode='loss')
        sum(losses.values()).backward()

    def inference(self) -> None:
        with torch.no_grad(), self._form():
            self.answering.eval().test_step(self.packed)

    def loader(self) -> None:
        for _ in self._data:
            pass

    def test_loader(self) -> None:
        for _ in self._test_data:
            pass

    def step(self) -> None:
        data = next(iter(self._data))
        self.model.train()
        with self._form():
            self.model.train_step(data, self._optimizer)

    @functools.cached_property
    def _optimizer(self):
        return build_optim_wrapper(self.model, self.cfg.optim_wrapper)

    @functools.cached_property
    def _data(self) -> DataLoader:
        return self._load(self.cfg.train_dataloader)

    @functools.cached_property
    def _test_data(self) -> DataLoader:
        return self._load(self.cfg.test_dataloader)

    def _load(self, settings: dict) -> DataLoader:
        """Generated photographs through the config's transforms."""
        folder = photographs(self.args.num_classes)
        dataset = dict(
            type='mlgcn.CsvMultiLabel',
            ann_file=str(folder / 'labels.csv'),
            classes=[f'class {i}' for i in range(self.args.num_classes)],
            check_images=False,
            pipeline=settings.dataset.get('pipeline') or settings.dataset.dataset.pipeline,
        )
        options = dict(
            batch_size=self.args.batch_size,
            num_workers=self.args.workers,
            persistent_workers=self.args.workers > 0,
        )
        options['collate_fn'] = settings.get('collate_fn', dict(type='pseudo_collate'))
        sampler = dict(type='DefaultSampler', shuffle=False)
        return Runner.build_dataloader(dict(dataset=dataset, sampler=sampler, **options), seed=0)

    @contextlib.contextmanager
    def _form(self):
        amp = torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.bf16)
        with plain_form(self.model, self.form == 'plain'), amp:
            yield


@functools.cache
def photographs(num_classes: int, count: int = 32) -> Path:
    """A folder with `count` JPEG files of 640 x 480 with detail at every scale, and labels.csv."""
    folder = Path(tempfile.mkdtemp(prefix='mlgcn-benchmark-'))
    atexit.register(shutil.rmtree, folder)
    rng = np.random.default_rng(0)
    lines = []
    for i in range(count):
        picture = np.zeros((480, 640, 3))
        for scale in (1, 4, 16, 64):
            noise = rng.uniform(0, 6 * scale, (-(-480 // scale), -(-640 // scale), 3))
            noise = Image.fromarray(noise.clip(0, 255).astype(np.uint8)).resize((640, 480), 3)
            picture += np.asarray(noise)
        Image.fromarray((picture / picture.max() * 255).astype(np.uint8)).save(
            folder / f'{i}.jpg', quality=90
        )
        lines.append(f'{folder / f"{i}.jpg"},class {i % num_classes}\n')
    (folder / 'labels.csv').write_text(''.join(lines))
    return folder


def measure(args: argparse.Namespace, cfg: Config, what: str, forms: list[str]) -> dict:
    """Seconds (and images per second) and MiB of each form."""
    device = torch.device(args.device)
    if what == 'build':
        functions = {
            form: functools.partial(Measured.build, Measured(args, cfg, form))
            for form in forms[-1:]
        }
    else:
        functions = {form: getattr(Measured(args, cfg, form), what) for form in forms}
    figures = interleaved(functions, args.repeat, device)
    images = {'build': 0, **dict.fromkeys(LOADERS, 32)}.get(what, args.batch_size)
    for form, seconds in figures.items():
        if images:
            seconds['images_per_second'] = images / seconds['median']
        if what not in LOADERS:
            seconds['peak_mib'] = memory(args, form, what)
    return figures


def memory(args: argparse.Namespace, form: str, what: str) -> dict[str, float]:
    """:func:`peak_memory` in a process of its own, which has not run anything before."""
    options = [f'--{key.replace("_", "-")}={getattr(args, key)}' for key in OVERRIDDEN]
    command = [sys.executable, *sys.argv, *options, '--memory-of', form, '--what', what]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f'measuring the memory of {form} {what}: {done.stderr.strip()[-500:]}')
    return json.loads(done.stdout.splitlines()[-1])


def print_figures(what: str, figures: dict) -> None:
    """One line for each form, and their ratio."""
    for form, f in figures.items():
        speed = f'{f["images_per_second"]:8.2f} images/s' if 'images_per_second' in f else ''
        cpu = f', cpu {f["cpu"]:.3f} s' if 'cpu' in f else ''
        mib = ', '.join(f'{value:.0f} MiB {name}' for name, value in f.get('peak_mib', {}).items())
        print(
            f'{what:10} {form:6} median {f["median"]:.3f} s ({f["fastest"]:.3f} to '
            f'{f["slowest"]:.3f}){cpu} {speed} {mib}',
            flush=True,
        )
    if len(figures) == 2:
        (first, a), (second, b) = figures.items()
        text = f'{what:10} {second} is {a["median"] / b["median"]:.2f} times as fast as {first}'
        for name, mib in a.get('peak_mib', {}).items():
            if mib:
                text += f', {b["peak_mib"][name] / mib:.2f} of its memory ({name})'
        print(text, flush=True)


def machine(args: argparse.Namespace) -> dict[str, str | int]:
    """What the figures were measured on."""
    device = torch.device(args.device)
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration), open('/proc/cpuinfo') as file:
        processor = next(line.split(':')[1].strip() for line in file if 'model name' in line)
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else processor
    return dict(
        device=name,
        cores=os.cpu_count(),
        threads=args.threads,
        torch=torch.__version__,
        date=time.strftime('%Y-%m-%d'),
    )
