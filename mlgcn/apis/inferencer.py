"""Predictions for photographs: files, arrays or PIL images in, probabilities and labels out."""

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mlgcn.datasets.image_io import BadImage, bgr, decode_fault
from mlgcn.engine.config_check import nearest
from mlgcn.evaluation.calibration import Calibration
from mlgcn.models.heads import CTranHead

from .loaded_model import load_model


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image.

    `image` is its path as given, or 'image 3' (counted from 0) for arrays and PIL images. `labels`
    are (class name, probability), the most probable first. `probabilities` is float32 (K,), one for
    every class. Where the image could not be read, `error` says why and the rest is empty.
    """

    image: str
    labels: tuple[tuple[str, float], ...] = ()
    probabilities: np.ndarray | None = None
    error: str = ''


class MultiLabelInferencer:
    """Predicts labels of photographs, with the interface of mmpretrain's inferencers.

    Upstream's own are not its base: they execute the config that a checkpoint carries, and know
    the one most probable class only.

    >>> inferencer = MultiLabelInferencer('addgcn.pth')
    >>> inferencer(['street.jpg'])[0].labels
    (('person', 0.98), ('car', 0.71))

    Args:
        config_or_name: a config file, the name of a shipped config ('addgcn_coco_448'), or, without
            `checkpoint`, a checkpoint of ours, whose metadata suffices.
        checkpoint: file of weights, ours or published.
        device: as torch writes it; None takes a GPU where there is one.
        threshold: probability in [0, 1] from which a label is present, for all classes, instead of
            the checkpoint's thresholds (0.5 where it has none).
        top_k: give the `top_k` most probable labels, whatever their probability; with `threshold`,
            those of them that reach it.
        cfg_options: overrides of the config, {'model.head.thr': 0.3}.
        fused: faster, with logits that differ by rounding (:func:`mlgcn.engine.fuse.fuse`).
        known: labels that all images are known to show (True) or not to show (False), for models
            that take them (C-Tran); they are given back with probability 1 or 0.

    Raises:
        ValueError: `threshold` or `top_k` is out of range, `known` names no class, or the model
            takes no known labels.
        CheckpointError, ConfigError, FileNotFoundError: see :func:`load_model`.
    """

    def __init__(
        self,
        config_or_name: str | Path,
        checkpoint: str | Path | None = None,
        device: str | torch.device | None = None,
        threshold: float | None = None,
        top_k: int | None = None,
        cfg_options: Mapping[str, Any] | None = None,
        fused: bool = False,
        known: Mapping[str, bool] | None = None,
    ):
        config = config_or_name if checkpoint is not None else None
        device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f'threshold is {threshold}, expected a probability from 0 to 1')
        if top_k is not None and top_k < 1:
            raise ValueError(f'top_k is {top_k}, expected at least 1')
        self.model = load_model(config, checkpoint or config_or_name, device, cfg_options, fused)
        self.classes = self.model.classes
        self.calibration = self.model.calibration
        if top_k is not None and top_k > len(self.classes):
            raise ValueError(f'top_k is {top_k}, but the model has {len(self.classes)} classes')
        self.top_k = top_k
        self.by_threshold = top_k is None or threshold is not None
        if threshold is not None:
            self.calibration = Calibration(
                self.calibration.temperature,
                np.full(len(self.classes), threshold, np.float32),
                f'threshold {threshold:g} for all classes, as asked for',
            )

        self.known = {self.class_of(name): bool(there) for name, there in (known or {}).items()}
        if self.known:
            self._give_known_labels()

    def class_of(self, name: str) -> int:
        """Index of a class; a ValueError names the nearest, or some, for an unknown name."""
        if name not in self.classes:
            hint = nearest(name, self.classes) or f'; it has {", ".join(self.classes[:5])}, ...'
            raise ValueError(f'the model has no class {name!r} among its {len(self.classes)}{hint}')
        return self.classes.index(name)

    def _give_known_labels(self) -> None:
        head = self.model.model.head
        if not isinstance(head, CTranHead) or not head.label_masks:
            raise ValueError(f'{type(head).__name__} takes no known labels (C-Tran does)')
        head.given = torch.full((len(self.classes),), -1)
        for index, there in self.known.items():
            head.given[index] = int(there)

    @property
    def decision(self) -> str:
        """In words, when a label is given as present."""
        said = [f'the {self.top_k} most probable'] if self.top_k is not None else []
        if self.by_threshold:
            said.append(self.calibration.source)
        if self.calibration.temperature != 1:
            said.append(f'temperature {self.calibration.temperature:.3g}')
        if self.known:
            names = [('' if there else 'no ') + self.classes[k] for k, there in self.known.items()]
            said.append(f'known: {", ".join(names)}')
        return ', '.join(said)

    def __call__(
        self,
        inputs: str | Path | np.ndarray | Image.Image | Iterable[str | Path | np.ndarray],
        batch_size: int = 16,
        channel_order: str | None = None,
    ) -> list[Prediction]:
        """The predictions for one image or several, in their order; see :meth:`stream`."""
        if isinstance(inputs, (str, os.PathLike, np.ndarray, Image.Image)):
            inputs = [inputs]
        return list(self.stream(inputs, batch_size, channel_order))

    def stream(
        self,
        inputs: Iterable[str | Path | np.ndarray | Image.Image],
        batch_size: int = 16,
        channel_order: str | None = None,
    ) -> Iterator[Prediction]:
        """Predictions as they come, with at most two batches of images in memory.

        Args:
            inputs: paths, PIL images, or uint8 arrays (H, W, 3).
            batch_size: images that go through the model at once.
            channel_order: 'rgb' or 'bgr' of the arrays; there is no default.

        Yields:
            a :class:`Prediction` per input; one with `error` where a file cannot be read.

        Raises:
            ValueError: an array that is not such a one, or arrays without `channel_order`.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size is {batch_size}, expected at least 1')
        if channel_order not in (None, 'rgb', 'bgr'):
            raise ValueError(f"channel_order is {channel_order!r}, expected 'rgb' or 'bgr'")
        numbered = enumerate(inputs)
        waiting: list[tuple[str, Future]] = []
        with ThreadPoolExecutor(min(batch_size, os.cpu_count() or 1, 8)) as pool:
            while chunk := list(itertools.islice(numbered, batch_size)):
                images = [as_input(image, i, channel_order) for i, image in chunk]
                batch = [(name, pool.submit(self.pack, image)) for name, image in images]
                yield from self._predict(waiting)  # while the next ones are being read
                waiting = batch
            yield from self._predict(waiting)

    def pack(self, image: str | np.ndarray) -> dict | str:
        """The packed image, or what is wrong with its file."""
        if isinstance(image, np.ndarray):
            return self.model.pack(image)
        try:
            return self.model.pack(image)
        except BadImage as error:
            return error.fault
        except Exception as error:  # the pipeline's transforms raise whatever they like
            return decode_fault(image) or f'{type(error).__name__}: {error}'

    def _predict(self, batch: Sequence[tuple[str, Future]]) -> Iterator[Prediction]:
        packed = [(name, future.result()) for name, future in batch]
        good = [item for _, item in packed if not isinstance(item, str)]
        rows = iter(self.calibration.probabilities(self.model.logits(good)) if good else ())
        for name, item in packed:
            bad = isinstance(item, str)
            yield Prediction(name, error=item) if bad else self._prediction(name, next(rows))

    def _prediction(self, name: str, probabilities: np.ndarray) -> Prediction:
        for index, there in self.known.items():
            probabilities[index] = there
        order = np.argsort(-probabilities, kind='stable')[: self.top_k]
        if self.by_threshold:
            order = order[self.calibration.present(probabilities)[order]]
        labels = tuple((self.classes[k], float(probabilities[k])) for k in order)
        return Prediction(name, labels, probabilities)


def as_input(
    image: str | Path | np.ndarray | Image.Image, number: int, channel_order: str | None
) -> tuple[str, str | np.ndarray]:
    """(name, path or BGR array) of one input."""
    name = f'image {number}'
    if isinstance(image, (str, os.PathLike)):
        return os.fspath(image), os.fspath(image)
    if isinstance(image, Image.Image):
        return name, bgr(image)  # as a file of it would be read
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f'{name} is a {type(image).__name__}, expected a path, a PIL image or an array'
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            f'{name}: {image.dtype} of shape {image.shape}, expected uint8 of shape (H, W, 3)'
        )
    if channel_order is None:
        raise ValueError(f"{name} is an array: say channel_order='rgb' or 'bgr' (OpenCV, mmcv)")
    return name, image if channel_order == 'bgr' else np.ascontiguousarray(image[..., ::-1])
