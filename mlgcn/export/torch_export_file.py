"""An exported model as a torch.export file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram


class TorchExportFile:
    """A .pt2 file, written and then read back.

    `torch.export.load` can unpickle parts of what it reads, so it is called on the file that this
    process has just written, and there is no way to open another one here.

    Args:
        path: where to write.
        trace: gives the traced :class:`ExportGraph`, with its neighbours as outputs or without.
        metadata: every entry becomes an extra file.
    """

    suffix = '.pt2'
    packages = ()

    def __init__(
        self,
        path: Path,
        trace: Callable[[bool], ExportedProgram],
        metadata: Mapping[str, str],
    ):
        torch.export.save(trace(False), path, extra_files=dict(metadata))
        self.metadata = dict.fromkeys(metadata, '')
        self._module = torch.export.load(path, extra_files=self.metadata).module()
        self._trace, self._with_edges = trace, None

    @torch.no_grad()
    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits and probabilities (B, K) of images (B, H, W, 3)."""
        return tuple(output.numpy() for output in self._module(torch.from_numpy(images)))

    @torch.no_grad()
    def edges(self, images: np.ndarray) -> list[Tensor]:
        """The neighbours (B, G, N, k) that every grapher finds: of a second trace, with them."""
        if self._with_edges is None:
            self._with_edges = self._trace(True).module()
        return list(self._with_edges(torch.from_numpy(images))[2:])
