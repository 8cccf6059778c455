"""Time and peak memory of functions, on a CPU or a GPU, so that they can be compared."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mlgcn.models.layers import grapher
from mlgcn.models.layers.graph_stage import GraphStage
from mlgcn.ops.graph import max_relative_plain
from mlgcn.ops.knn import group_knn_plain
from mlgcn.ops.relative_pos import SeparableTable


def interleaved(
    functions: Mapping[str, Callable[[], object]], repeat: int, device: torch.device
) -> dict[str, dict[str, float]]:
    """Run the functions in turns, once for warming up, then `repeat` times.

    Returns:
        For every name `median`, `fastest` and `slowest` seconds of wall time (of device time on a
        GPU), and on a CPU `cpu`, the median seconds of processor time of all threads.
    """
    clock = _gpu_seconds if device.type == 'cuda' else _cpu_seconds
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in functions}
    for turn in range(repeat + 1):
        for name, function in functions.items():
            seconds = clock(function)
            if turn:
                seen[name].append(seconds)
    result = {}
    for name, pairs in seen.items():
        wall = [pair[0] for pair in pairs]
        result[name] = dict(median=statistics.median(wall), fastest=min(wall), slowest=max(wall))
        if device.type != 'cuda':
            result[name]['cpu'] = statistics.median(pair[1] for pair in pairs)
    return result


def peak_memory(function: Callable[[], object], device: torch.device) -> dict[str, float]:
    """MiB that one call needs beyond what is held before it.

    Returns:
        `tensors`, the peak of torch's allocations; on Linux CPUs also `process`, the growth of the
        process's resident memory to its peak, which has the allocator's waste and the libraries'
        buffers in it.
    """
    gc.collect()
    if device.type == 'cuda':
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        torch.cuda.synchronize()
        return dict(tensors=(torch.cuda.max_memory_allocated() - before) / 2**20)
    process = _resident_growth(function)
    with torch.profiler.profile(profile_memory=True) as profile:
        function()
    held = peak = 0
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == '[memory]']
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return dict(tensors=peak / 2**20, **process)


def floor(function: Callable[[], object]) -> dict[str, float]:
    """CPU seconds that no form can save: convolutions, and the neighbour search's products.

    The convolutions (with their backward passes) are those of one profiled call of `function`; the
    products are x.y of every search in it, made alone, in chunks that fit the cache.
    """
    searches = []
    original = grapher.group_knn

    def recorded(x: Tensor, y: Tensor, *args, **kwargs) -> Tensor:
        groups = args[2] if len(args) > 2 else kwargs.get('groups', 1)
        searches.append((x.flatten(2).shape, y.flatten(2).shape[2], groups))
        return original(x, y, *args, **kwargs)

    grapher.group_knn = recorded
    try:
        function()
    finally:
        grapher.group_knn = original
    with torch.profiler.profile() as profile:
        function()
    events = {event.key: event for event in profile.key_averages()}
    names = 'aten::convolution', 'aten::convolution_backward'
    seconds = sum(events[name].cpu_time_total for name in names if name in events) / 1e6
    return dict(convolutions=seconds, products=sum(_product_seconds(*s) for s in searches))


def _product_seconds(shape: torch.Size, num_keys: int, groups: int) -> float:
    batch, channels, num_nodes = shape
    rows = min(max(2**17 // num_keys, 1), num_nodes)
    x, y = torch.randn(rows, channels // groups), torch.randn(channels // groups, num_keys)
    out = torch.empty(rows, num_keys)
    torch.mm(x, y, out=out)
    start = time.perf_counter()
    for _ in range(-(-num_nodes // rows)):
        torch.mm(x, y, out=out)
    return (time.perf_counter() - start) * batch * groups


@contextmanager
def plain_form(model: nn.Module, plain: bool = True) -> Iterator[None]:
    """GKGNet step by step as published, with whole matrices and every activation kept."""
    if not plain:
        yield
        return
    fast = grapher.group_knn, grapher.max_relative, grapher.STRIP
    stages = [stage for stage in model.modules() if isinstance(stage, GraphStage)]
    tables = [stage._table for stage in stages]
    blocks = [m for m in model.modules() if isinstance(m, (grapher.Grapher, grapher.FFN))]
    hidden = [block.keep_hidden for block in blocks]
    grapher.group_knn, grapher.max_relative = group_knn_plain, max_relative_plain
    grapher.STRIP = float('inf')
    for block in blocks:
        block.keep_hidden = True
    for stage, (key, table) in zip(stages, tables):
        if isinstance(table, SeparableTable):  # the published model has them as parameters
            stage._table = key, table[:]
    try:
        yield
    finally:
        grapher.group_knn, grapher.max_relative, grapher.STRIP = fast
        for block, keep in zip(blocks, hidden):
            block.keep_hidden = keep
        for stage, table in zip(stages, tables):
            stage._table = table


def _cpu_seconds(function: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu


def _gpu_seconds(function: Callable[[], object]) -> tuple[float, float]:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    function()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000, 0.0


def _resident_growth(function: Callable[[], object]) -> dict[str, float]:
    """Linux tells the peak of the resident memory, and can forget an earlier one."""
    try:
        with open('/proc/self/clear_refs', 'w') as file:
            file.write('5')
    except OSError:
        function()
        return {}
    before = _status('VmRSS')
    function()
    return dict(process=_status('VmHWM') - before)


def _status(key: str) -> float:
    """A line of /proc/self/status in MiB."""
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key)) / 1024
