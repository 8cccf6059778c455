"""The newest checkpoint of a run that is whole."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mlgcn.checkpoints import CheckpointError, load

NAME = re.compile(r'(mid_)?(?:epoch|iter)_(\d+)\.pth')


def latest_checkpoint(
    work_dir: str | Path, usable: Callable[[dict[str, Any]], str | None] = lambda checkpoint: None
) -> str | None:
    """The newest usable checkpoint; those that are passed over are told in the log.

    Args:
        work_dir: the run's; its `last_checkpoint` names the newest.
        usable: why a checkpoint is not to be used, or None.
    """
    for path in candidates(Path(work_dir)):
        try:
            reason = usable(load_whole(path))
        except (CheckpointError, OSError) as error:
            reason = str(error)
        if reason is None:
            return str(path)
        print_log(f'{path} is passed over: {reason}', 'current', logging.WARNING)
    return None


def candidates(work_dir: Path) -> list[Path]:
    """What `last_checkpoint` names (moved with the folder, if it was), then those before it."""
    try:
        named = Path((work_dir / 'last_checkpoint').read_text().strip())
    except OSError:
        return []
    last = work_dir / named.name
    if not last.exists():
        last = named
    ages = {path: age(path) for path in last.parent.glob('*.pth')}
    older = [p for p, when in ages.items() if when and when < (age(last) or ()) and p != last]
    return [last, *sorted(older, key=ages.get, reverse=True)]


def age(path: Path) -> tuple[int, bool] | None:
    """Orders the names of a run's checkpoints; None for other names."""
    match = NAME.fullmatch(path.name)
    return match and (int(match[2]), match[1] is not None)


def load_whole(path: str | Path) -> dict[str, Any]:
    """A checkpoint to go on from, on the CPU, its checksums compared.

    Raises:
        CheckpointError: it is damaged, refused, or holds no optimizer's state.
        FileNotFoundError: it is not there.
    """
    checkpoint = load(str(path)).content
    if 'optimizer' not in checkpoint:
        raise CheckpointError(f'{path}: nothing to resume, it holds no state of an optimizer')
    return checkpoint
