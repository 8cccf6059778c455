"""Values that depend on parameters alone, computed once at inference instead of per batch."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Constant:
    """Keeps what a function of parameters gave until one of them changes.

    Not a module and not in the state_dict: folding changes the speed of a model, never its file.
    Nothing is kept while gradients are recorded or a graph is traced, and copies start empty.

    A change is seen by the parameters' version counters, addresses and types. Writing through
    `parameter.data` escapes the counters (EMAHook does so); heads therefore call :meth:`clear` in
    `train()`, which `eval()` calls too.
    """

    def __init__(self):
        self.clear()

    def clear(self) -> None:
        self._seen, self._value = None, None

    def __call__(self, compute: Callable[[], Any], sources: Iterable[Tensor]) -> Any:
        """`compute()`, or what it gave when the `sources` were as they are now."""
        sources = list(sources)
        recorded = torch.is_grad_enabled() and any(t.requires_grad for t in sources)
        # inference tensors have no version counter
        if recorded or torch.compiler.is_compiling() or any(t.is_inference() for t in sources):
            return compute()
        seen = [(t.data_ptr(), t._version, t.dtype, t.device) for t in sources]
        # autocast gives another type, and inference tensors cannot be differentiated through
        seen += [torch.is_autocast_enabled(kind) for kind in ('cpu', 'cuda')]
        seen.append(torch.is_inference_mode_enabled())
        if seen != self._seen:
            self._value, self._seen = compute(), seen
        return self._value

    def __deepcopy__(self, memo: dict) -> 'Constant':
        return Constant()

    def __reduce__(self):
        return Constant, ()
