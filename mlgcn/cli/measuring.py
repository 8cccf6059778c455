"""Forms of a model, and how their time and memory are measured."""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mlgcn.engine.config import ConfigError, fit_to_data
from mlgcn.models.fuse import fuse
from mlgcn.models.layers.grapher import graph_operators
from mlgcn.models.layers.memory import all_kept
from mlgcn.ops import group_knn_plain, max_relative_plain
from mlgcn.registry import MODELS

from . import arguments

PRECISIONS = dict(fp32=torch.float32, bf16=torch.bfloat16, fp16=torch.float16)


def model_and_batch(
    args: argparse.Namespace, form: str, size: int, batch: int, num_classes: int
) -> tuple[nn.Module, Tensor, list[DataSample]]:
    """The model with random weights, images (B, 3, size, size) and labels, on `args.device`."""
    cfg = arguments.load_config(args)
    if args.compare == 'plain' and cfg.model.backbone.type != 'mlgcn.PyramidViG':
        seen = cfg.model.backbone.type
        raise ConfigError(f'--compare plain is for the backbone mlgcn.PyramidViG, not {seen}')
    fit_to_data(cfg, [f'class {i}' for i in range(num_classes)])
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).to(args.device).eval()
    model = fuse(model) if form == 'fuse' else model
    images = torch.randn(batch, 3, size, size, device=args.device)
    present = (torch.rand(batch, num_classes) < 0.1).float().to(args.device)
    labels = [DataSample().set_gt_score(row) for row in present]
    return model, images, labels


@contextmanager
def plain(model: nn.Module) -> Iterator[None]:
    """GKGNet step by step as published: whole distance matrices, every activation kept."""
    published = dict(search=group_knn_plain, aggregate=max_relative_plain)
    with graph_operators(model, **published), all_kept():
        yield


def step(
    what: str, precision: str, form: str, model: nn.Module, images: Tensor, labels: list
) -> Callable[[], str | None]:
    """A function that runs a forward pass, or an iteration of training whose loss it returns."""
    device = images.device.type
    amp = partial(torch.autocast, device, PRECISIONS[precision], enabled=precision != 'fp32')
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)  # the weights stay as they are
    scaler = torch.amp.GradScaler(device, enabled=precision == 'fp16')
    as_form = partial(plain, model) if form == 'plain' else nullcontext  # fuse changed the model

    def forward() -> None:
        with as_form(), amp(), torch.no_grad():
            model.eval()(images)

    def train() -> str:
        optimizer.zero_grad()
        with as_form(), amp():
            loss = sum(model.train()(images, labels, mode='loss').values())
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return f'loss {loss:.4f}'

    return forward if what == 'forward' else train


def peak_mib(function: Callable, device: torch.device) -> float:
    """MiB of tensors that one call needs beyond what is held before it, at most."""
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with torch.profiler.profile(profile_memory=True) as profile:
        function()
    held = peak = 0  # torch's own tables sum up by operator: no peak
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == '[memory]']
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak / 2**20


@dataclass
class Row:
    """One line of the tables. `faster` and `memory` compare with the case's first form."""

    case: str
    form: str = ''
    seconds: float | None = None
    iqr: float | None = None  # of the seconds, whose median is shown
    images_per_second: float | None = None
    peak_mib: float | None = None
    faster: float | None = None
    memory: float | None = None
    note: str = ''


def seconds(function: Callable, device: str) -> float:
    """How long one call takes: by CUDA's events on a card."""
    if device == 'cpu':
        begin = time.perf_counter()
        function()
        return time.perf_counter() - begin
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    function()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1000


def compared(
    case: str, forms: Mapping[str, Callable], images: int, device: str, repeat: int = 5
) -> Iterator[Row]:
    """A row for every form, whose calls run in turns; a form that fails is a row with its error."""
    peaks, notes, times = {}, {}, {form: [] for form in forms}
    for form, function in forms.items():
        torch.manual_seed(0)  # of stochastic depth: the forms' first losses can be compared
        try:
            answer = function()  # compiles and tunes what the times must not count
            notes[form] = answer if isinstance(answer, str) else ''
            peaks[form] = peak_mib(function, torch.device(device))
        except Exception as error:  # whatever a driver can raise, most of all: out of memory
            yield Row(case, form, note=in_a_line(error))
        if device != 'cpu':
            torch.cuda.empty_cache()
    for form in [*peaks] * repeat:
        times[form].append(seconds(forms[form], device))
    first = next(iter(forms))
    for form, peak in peaks.items():
        low, median, high = np.percentile(times[form], (25, 50, 75)).tolist()
        row = Row(case, form, median, high - low, peak_mib=peak, note=notes[form])
        row.images_per_second = images / row.seconds
        if form != first and first in peaks:
            row.faster = float(np.median(times[first])) / row.seconds
            row.memory = peak / max(peaks[first], 1e-9)
        yield row


def in_a_line(error: BaseException) -> str:
    """What went wrong, for a cell of the table."""
    return f'{type(error).__name__}: {next(iter(str(error).splitlines()), "")[:200]}'
