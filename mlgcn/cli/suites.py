"""The suites of `mlgcn benchmark --suite`: what is measured of mlgcn, in one call of minutes.

Every part runs in a process of its own for a limited time, so that a part that fails, crashes the
card's context or hangs is a row with its error. The table is written anew after every row.
"""

import json
import multiprocessing
import os
import platform
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from mlgcn.atomic_files import write_atomically

from .measuring import PRECISIONS, Row, in_a_line
from .suite_parts import kernels, loader, models, resume, sync_bn

GKGNET, ADDGCN, TOY = 'gkgnet_coco_576', 'addgcn_coco_448', 'gkgnet_scenes'
TINY = {
    'model.backbone.arch': 't',
    'model.neck.in_channels': (48, 96, 240, 384),
    'model.head.in_channels': 384,
}
ALL = tuple(PRECISIONS)
CORES = min(len(os.sched_getaffinity(0)), 16)
# suite: part: seconds that it may take at most, function, its arguments after the device
SUITES = {
    'gpu': {
        'kernels': (90, kernels, dict(config=GKGNET, size=576)),  # Triton compiles
        'GKGNet-s': (130, models, dict(config=GKGNET, size=576, batch=16, precisions=ALL)),
        'ADD-GCN': (60, models, dict(config=ADDGCN, size=448, batch=16, precisions=ALL)),
        'SyncBatchNorm': (50, sync_bn, dict(config=GKGNET, size=576, batch=16)),
        'loader': (60, loader, dict(config=GKGNET, size=576, batch=16, batches=24, workers=CORES)),
        'resume': (80, resume, dict(config='gkgnet_scenes', epochs=3)),
    },
    'toy': {
        'kernels': (300, kernels, dict(config=TOY, size=96)),
        'GKGNet': (300, models, dict(config=TOY, size=96, batch=2, precisions=ALL)),
        'ADD-GCN': (300, models, dict(config='addgcn_scenes', size=64, batch=2, precisions=ALL)),
        'SyncBatchNorm': (300, sync_bn, dict(config=TOY, size=96, batch=2)),
        'loader': (300, loader, dict(config=TOY, size=96, batch=2, batches=2, workers=0)),
        'resume': (300, resume, dict(config='addgcn_scenes', epochs=2)),
    },
    'cpu': {
        'GKGNet-s': (240, models, dict(config=GKGNET, size=576, batch=1)),
        'GKGNet-t': (120, models, dict(config=GKGNET, size=224, batch=4, **TINY)),
        'ADD-GCN': (180, models, dict(config=ADDGCN, size=448, batch=4)),
    },
}  # fmt: skip


def run_suite(suite: str, out: str, device: str | None) -> None:
    """Measure all parts, one after the other, into OUT/SUITE.md and OUT/SUITE.json."""
    device = device or ('cuda' if suite == 'gpu' and torch.cuda.is_available() else 'cpu')
    about = versions(device)
    if suite == 'gpu' and device == 'cpu':
        suite = 'toy'
        about['beware'] = 'no card: toy sizes, whose figures mean nothing'
    path = Path(out, suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, deadline = [], time.monotonic()
    for part, (limit, *_) in SUITES[suite].items():
        begin = time.monotonic()
        deadline += limit  # what a part leaves of its time is the next ones'
        for row in isolated(suite, part, device, deadline):
            rows.append(dict(part=part, **asdict(row)))
            write_atomically(
                path.with_suffix('.json'), json.dumps(dict(about, rows=rows), indent=1)
            )
            write_atomically(path.with_suffix('.md'), markdown(about, rows))
        print(f'{part}: {time.monotonic() - begin:.0f} s', flush=True)
    print(markdown(about, rows))


def isolated(suite: str, part: str, device: str, deadline: float) -> Iterator[Row]:
    """The rows of one part from a process of its own, which ends at the (monotonic) deadline."""
    limit = deadline - time.monotonic()
    context = multiprocessing.get_context('spawn')  # CUDA does not survive a fork
    rows, end = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(suite, part, device, end))
    process.start()
    end.close()
    try:
        while rows.poll(max(deadline - time.monotonic(), 0)):
            yield rows.recv()
        yield Row('', note=f'not finished after {limit:.0f} s')
    except EOFError:
        process.join()
        if process.exitcode:
            yield Row('', note=f'the process ended with {process.exitcode}')
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with what it started
        process.join()


def _send(suite: str, part: str, device: str, end: Connection) -> None:
    os.setsid()
    _, function, options = SUITES[suite][part]
    try:
        if device != 'cpu':  # parts measure the current one
            torch.cuda.set_device(torch.device(device).index or 0)
            device = 'cuda'
        for row in function(device, **options):
            end.send(row)
    except Exception as error:  # whatever a driver can raise
        end.send(Row('', note=in_a_line(error)))


def versions(device: str) -> dict[str, str]:
    """What the figures depend on."""
    cpu = re.search(r'model name\s*: (.*)', Path('/proc/cpuinfo').read_text())
    name = cpu.group(1) if cpu else platform.machine()
    git = ['git', '-C', str(Path(__file__).parent), 'describe', '--always', '--dirty']
    packages = ('torch', 'triton', 'torchvision', 'onedl-mmengine', 'onedl-mmpretrain')
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return dict(
        date=time.strftime('%F'),
        commit=subprocess.run(git, capture_output=True, text=True).stdout.strip() or 'unknown',
        machine=f'{name}, {torch.get_num_threads()} threads'
        if device == 'cpu'
        else f'{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}',
        python=platform.python_version(),
        **found,
    )


def markdown(about: Mapping[str, str], rows: list[dict]) -> str:
    """The table, below a line of versions."""
    names = ['part', *(field.name for field in fields(Row))]
    heads = [name.replace('_', ' ').replace('mib', 'MiB') for name in names]
    cells = [[_cell(row[name]) for name in names] for row in rows]
    lines = [heads, ['---'] * len(heads), *cells]
    table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    return ', '.join(f'{key} {value}' for key, value in about.items()) + f'.\n\n{table}\n'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'{value:.0f}' if value >= 100 else f'{value:.3g}'
    return '' if value is None else str(value).replace('|', '/')
