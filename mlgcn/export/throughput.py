"""Speed of an exported file beside PyTorch."""

import platform
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .parity import ExportedFile

ROUNDS = 5


@torch.no_grad()
def throughput(file: ExportedFile, graph: nn.Module, images: np.ndarray) -> dict[str, Any]:
    """Medians for a file and the same graph in PyTorch, called in turns, after one call each.

    `images` are one batch, (B, H, W, 3).
    """
    graph.eval()
    tensor, batch = torch.from_numpy(images), len(images)
    runs = {'file': lambda: file.run(images), 'pytorch': lambda: graph(tensor)}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(ROUNDS + 1):
        for name, function in runs.items():
            start = time.perf_counter()
            function()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return dict(
        images_per_second={name: round(batch / value, 2) for name, value in medians.items()},
        milliseconds_per_batch={name: round(1e3 * value, 2) for name, value in medians.items()},
        batch=batch,
        rounds=ROUNDS,
        threads=torch.get_num_threads(),
        machine=machine(),
    )


def machine() -> str:
    """The processor in words."""
    cpuinfo = Path('/proc/cpuinfo')
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return f'{names[0] if names else platform.processor()}, {platform.system()}'
