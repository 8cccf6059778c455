"""One self-contained HTML page about the scores of one run, or of several that are compared."""

from collections.abc import Mapping
from pathlib import Path

from mlgcn.evaluation.object_areas import object_areas
from mlgcn.evaluation.protocols import THRESHOLDS

from .page import write_page
from .photographs import galleries
from .report_numbers import ReportNumbers
from .runs import load_runs


def write_report(
    runs: Mapping[str, str | Path],
    out: str | Path,
    images: str | Path | None = None,
    annotations: str | Path | None = None,
    protocol: str | None = None,
    common_images: bool = False,
    replicates: int = 1000,
    seed: int = 0,
) -> None:
    """Write one static page that needs no other file: see docs/report.md.

    Args:
        runs: Name of each run and its scores file (`mlgcn test --out`).
        out: The .html file to write; missing folders are made.
        images: Folder that holds the photographs, if they are not where the scores file says.
        annotations: COCO json or VOC folder with the objects' boxes; without it no AP by size.
        protocol, common_images: See :func:`load_runs`.
        replicates, seed: See :func:`mlgcn.evaluation.draw_images`.

    Raises:
        FileNotFoundError, ValueError: See :func:`load_runs` and :func:`object_areas`.

    Warns of photographs that cannot be read.
    """
    if replicates < 2:
        raise ValueError(f'{replicates} bootstrap replicates: expected at least 2')
    if images is not None and not Path(images).is_dir():
        raise FileNotFoundError(f'{images}: no such folder of photographs')
    loaded, left_out = load_runs(runs, protocol, common_images)
    file, areas = loaded[0].file, None
    if annotations is not None:
        areas = object_areas(annotations, file.file_names, file.class_names)
    photographs, unread = galleries(loaded, images)
    write_page(
        Path(out),
        'report.html.j2',
        numbers=ReportNumbers(loaded, replicates, seed, areas),
        threshold=THRESHOLDS[loaded[0].result.protocol],
        left_out=left_out,
        replicates=replicates,
        seed=seed,
        galleries=photographs,
        unread=unread,
    )
