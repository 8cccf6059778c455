"""How far long work is, on stderr: a bar in a terminal, some lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 30  # seconds between two lines where the output is no terminal, or a part of the work
Item = TypeVar('Item')
shown: set['Bar'] = set()  # in a terminal, at this moment


class Bar:
    """A bar that counts items; lines where stderr is no terminal, in notebooks too.

    Args:
        title: what is done, or what is counted.
        total: number of items; None: unknown.
        done: of these, the ones of an earlier run.
        parts: the work has a line at the end of each of so many parts; 0: none.
        transient: the bar is removed at the end.
    """

    def __init__(
        self, title: str, total: int | None, done: int = 0, parts: int = 1, transient: bool = False
    ):
        # ipykernel's stream says that it is a terminal, and notebooks keep every state of a bar
        notebook = type(sys.stderr).__module__.startswith('ipykernel')
        self.console = Console(
            stderr=True, force_jupyter=False, force_terminal=False if notebook else None,
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        self.progress = Progress(
            TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
            TextColumn('{task.fields[state]}'), TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console, transient=transient,
        )  # fmt: skip
        self.total, self.first, self.parts = total, done, parts
        self.started = self.printed = time.monotonic()
        self.progress.add_task(title, total=total, completed=done, state='')
        if self.console.is_terminal:
            shown.add(self)
            self.progress.start()

    def reach(self, done: int, **shown: str) -> None:
        """`done` items are done; `shown`: description, state."""
        task = self.progress.tasks[0]
        before, total, now = task.completed, task.total, time.monotonic()
        self.progress.update(task.id, completed=done, **shown)
        part = total and done * self.parts // total > before * self.parts // total
        if self.console.is_terminal or not (part or now - self.printed > EVERY):
            return
        self.printed, words = now, [f'{task.description} {done}', task.fields['state']]
        if total:
            words[0] += f'/{total} ({task.percentage:.0f} %)'
            took = now - self.started
            left = took / (done - self.first) * (total - done)
            words.append(f'{left:.0f} s left' if left else f'{took:.0f} s')
        self.console.print('  '.join(filter(None, words)), markup=False)

    def close(self) -> None:
        """Ends the bar; what is printed afterwards, as an error, stands below it."""
        if self in shown:
            shown.remove(self)
            self.progress.stop()


@contextmanager
def bars_end() -> Iterator[None]:
    """Closes every bar when its block ends: an error is the last thing on the screen."""
    try:
        yield
    finally:
        for bar in list(shown):
            bar.close()


def track(
    items: Iterable[Item], title: str, total: int | None = None, transient: bool = False
) -> Iterator[Item]:
    """The items, counted by a bar; `total` where they have no length."""
    total = len(items) if total is None and hasattr(items, '__len__') else total
    bar = Bar(title, total, parts=not transient, transient=transient)
    try:
        for done, item in enumerate(items, 1):
            yield item
            bar.reach(done)
    finally:
        bar.close()
