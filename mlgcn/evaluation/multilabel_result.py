"""What the metrics return, and its printed table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PRF_NAMES = ('CP', 'CR', 'CF1', 'OP', 'OR', 'OF1')
METRIC_NAMES = ('mAP', *PRF_NAMES, *(f'{name}_top3' for name in PRF_NAMES))


@dataclass(frozen=True)
class MultiLabelResult:
    """Scores of N images x K classes under one protocol, in percent; `result['CF1']` reads one.

    `values` maps every name of `METRIC_NAMES` to a float. `ap` (K,) is NaN for a class that is left
    out of the mean, `positives` (K,) counts each class's positive images.
    """

    protocol: str
    num_images: int
    class_names: tuple[str, ...]
    ap: np.ndarray
    positives: np.ndarray
    values: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def table(self, metrics: Sequence[str] = METRIC_NAMES, per_class: bool = False) -> str:
        """`metrics` as plain text, before them one line per class where `per_class` is set."""
        lines = [
            f'Multi-label scores in %: protocol {self.protocol!r}, {self.num_images:,} images, '
            f'{len(self.class_names):,} classes'
        ]
        if per_class:
            width = max(len(name) for name in ('class', *self.class_names))
            lines.append(f'{"class":<{width}} {"positives":>9} {"AP":>7}')
            for name, count, ap in zip(self.class_names, self.positives, self.ap):
                shown = '-' if np.isnan(ap) else f'{ap:.2f}'
                lines.append(f'{name:<{width}} {count:>9} {shown:>7}')
        for title, suffix in (('all', ''), ('top-3', '_top3')):
            names = [name for name in ('mAP', *PRF_NAMES) if name + suffix in metrics]
            if names:
                lines.append(f'{title:<5}' + ''.join(f'{name:>8}' for name in names))
                lines.append(' ' * 5 + ''.join(f'{self[name + suffix]:>8.2f}' for name in names))
        return '\n'.join(lines)
