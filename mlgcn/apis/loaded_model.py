"""A trained model in use: photographs in; labels, features and explanations out."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpretrain.models import ImageClassifier
from PIL import Image
from torch import Tensor

from mlgcn.checkpoints import Checkpoint
from mlgcn.datasets.image_io import BadImage, decode_fault
from mlgcn.evaluation.calibration import Calibration
from mlgcn.messages import nearest
from mlgcn.models.heads import CTranHead
from mlgcn.models.mirror_average import MirrorAveragedClassifier, mirror_averaged_logits, steps_of
from mlgcn.registry import EXPLAINERS

from .inputs import Input, Inputs, as_input, as_list, temporary_file
from .prediction import Decision, Prediction, Predictions


@dataclass(repr=False)
class LoadedModel:
    """A model and everything that a prediction needs; `mlgcn.load` makes it.

    >>> model = mlgcn.load('addgcn.pth')
    >>> model.predict('street.jpg')[0].labels
    (('person', 0.98), ('car', 0.71))

    Args:
        model: in evaluation mode, on its device.
        cfg: the config file's; out of a checkpoint's metadata `model`, the test pipeline and
            `default_scope` alone.
        classes: K names in the order of the logits.
        checkpoint: what was loaded.
        pipeline: the test pipeline; takes dict(img_path=...) or dict(img=...) with `img` as mmcv
            reads it (uint8 (H, W, 3), BGR) and gives dict(inputs=(3, h, w), data_samples=...).
        calibration: from the metadata, or temperature 1 and thresholds 0.5.
        known: labels, by index, that all images are known to show (True) or not (False).
    """

    model: ImageClassifier
    cfg: Config
    classes: tuple[str, ...]
    checkpoint: Checkpoint
    pipeline: Callable[[dict], dict]
    calibration: Calibration
    known: dict[int, bool] = field(default_factory=dict)

    def __repr__(self) -> str:
        kind, count = type(self.model.head).__name__, len(self.classes)
        return f'LoadedModel({self.checkpoint.path}: {kind}, {count} classes; {self.decision()})'

    def predict(
        self,
        images: Inputs,
        threshold: float | None = None,
        top_k: int | None = None,
        batch_size: int = 16,
        tta: bool = False,
        keep_errors: bool = False,
        channel_order: str = 'rgb',
    ) -> Predictions:
        """The labels of one image or several, in their order.

        Args:
            images: one, or any number of: paths, folders (with all below them), globs; PIL images;
                bytes of an image file; arrays (H, W, 3), grey ones (H, W) or (H, W, 1), tensors
                (3, H, W) or (1, H, W), of uint8, or of floats in [0, 1]; or one array (N, H, W, 3)
                or tensor (N, 3, H, W).
            threshold, top_k, tta: see :meth:`Decision.of`.
            batch_size: images that go through the model at once.
            keep_errors: an image that cannot be read gives a prediction with `error`, instead of
                ending all.
            channel_order: 'rgb', or 'bgr' of arrays that OpenCV read.

        Raises:
            FileNotFoundError: a path, folder or glob that names no image; before any prediction.
            BadImage: (an OSError) a file that cannot be read.
            ValueError: pixels of another kind, or `threshold`, `top_k`, ... out of range.
        """
        decision = self.decision(threshold, top_k, tta)
        predictions = Predictions()
        for one in self.stream(as_list(images, keep_errors), decision, batch_size, channel_order):
            if one.error and not keep_errors:
                raise BadImage(f'{one.image}: {one.error}', one.error)
            predictions.append(one)
        return predictions

    def stream(
        self,
        images: Iterable[Input],
        decision: Decision | None = None,
        batch_size: int = 16,
        channel_order: str = 'rgb',
    ) -> Iterator[Prediction]:
        """Predictions as they come, with at most two batches of images in memory.

        `images` are those of :meth:`predict`, but no folders and globs; unreadable ones give a
        prediction with `error`.
        """
        decision = decision or self.decision()
        for batch in self._batches(images, batch_size, channel_order):
            good = [item for _, item in batch if not isinstance(item, str)]
            rows = iter(self.logits(good, decision.tta) if good else ())
            for name, item in batch:
                bad = isinstance(item, str)
                yield Prediction(name, error=item) if bad else decision.prediction(name, next(rows))

    def explain(
        self,
        image: Input,
        labels: Sequence[str] = (),
        threshold: float | None = None,
        top_k: int | None = None,
        patch: tuple[int, int] | None = None,
    ) -> dict[str, Image.Image]:
        """Pictures of what the model did with an image, by name: those of `mlgcn visualize`.

        ADD-GCN: attention, graphs, edge ablation; GKGNet: chosen patches; others: class maps.

        Args:
            image: as :meth:`predict` takes it.
            labels: names of the classes to draw; by default those that the decision gives.
            patch: see :func:`mlgcn.visualization.explanation.explain`.
        """
        images = as_list(image)
        if len(images) != 1:
            raise ValueError(f'explain takes one image, seen {len(images)}')
        packed = self.pack(as_input(images[0], 0, 'rgb')[1])
        labels = [labels] if isinstance(labels, str) else labels
        draw = EXPLAINERS.get('explanation_pictures')
        return draw(self, packed, self.decision(threshold, top_k), labels, patch)

    @torch.no_grad()
    def features(
        self, images: Inputs, pooled: bool = True, batch_size: int = 16
    ) -> np.ndarray | list[np.ndarray]:
        """The backbone's last map averaged over positions, float32 (N, C), of N images.

        With `pooled=False` all its maps, a list of (N, C, H, W), as the head gets them. Errors are
        those of :meth:`predict`.
        """
        batches = []
        for batch in self._batches(as_list(images), batch_size, 'rgb'):
            for name, item in batch:
                if isinstance(item, str):
                    raise BadImage(f'{name}: {item}', item)
            maps = self.model.backbone(self._inputs([item for _, item in batch]))
            maps = [maps[-1].flatten(2).mean(dim=2)] if pooled else maps
            batches.append([one.float().cpu().numpy() for one in maps])
        stages = [np.concatenate(stage) for stage in zip(*batches)]
        return stages[0] if pooled else stages

    def decision(
        self, threshold: float | None = None, top_k: int | None = None, tta: bool = False
    ) -> Decision:
        """When a label is given as present, see :meth:`Decision.of`; its text says it in words.

        Some models average picture and mirror image always, whatever `tta` says.
        """
        tta = tta or isinstance(self.model, MirrorAveragedClassifier)
        found = Decision.of(self.classes, self.calibration, threshold, top_k, self.known, tta)
        return replace(found, first_step=len(steps_of(self.model)) > 1)

    def class_of(self, name: str) -> int:
        """Index of a class; a ValueError names the nearest, or some, for an unknown name."""
        if name not in self.classes:
            hint = nearest(name, self.classes) or f'; it has {", ".join(self.classes[:5])}, ...'
            raise ValueError(f'the model has no class {name!r} among its {len(self.classes)}{hint}')
        return self.classes.index(name)

    def give_known(self, labels: Mapping[str, bool]) -> None:
        """Labels that all images show (True) or not (False); ValueError if the head takes none."""
        head = self.model.head
        self.known = {self.class_of(name): bool(there) for name, there in labels.items()}
        if not isinstance(head, CTranHead) or not head.label_masks:
            raise ValueError(f'{type(head).__name__} takes no known labels (C-Tran does)')
        given = torch.full((len(self.classes),), -1)
        given[list(self.known)] = torch.tensor(list(self.known.values()), dtype=given.dtype)
        for step in steps_of(self.model):
            step.head.given = given

    def pack(self, image: str | bytes | np.ndarray) -> dict[str, Any]:
        """One image through the test pipeline: a path, a file's bytes, or uint8 (H, W, 3) in BGR.

        Raises:
            BadImage: it cannot be read.
        """
        if isinstance(image, np.ndarray):
            return self.pipeline(dict(img=image))
        if isinstance(image, bytes):
            with temporary_file(image) as path:
                return self.pack(path)
        try:
            return self.pipeline(dict(img_path=os.fspath(image)))
        except BadImage:
            raise
        except Exception as error:  # the pipeline's transforms raise whatever they like
            fault = decode_fault(image) or f'{type(error).__name__}: {error}'
            raise BadImage(f'{image}: {fault}', fault) from error

    def _try_pack(self, image: str | bytes | np.ndarray) -> dict[str, Any] | str:
        """The packed image, or what is wrong with its file."""
        try:
            return self.pack(image)
        except BadImage as error:
            return error.fault

    def _batches(
        self, images: Iterable[Input], batch_size: int, channel_order: str
    ) -> Iterator[list[tuple[str, dict | str]]]:
        """Lists of (name, packed image or its fault); each is read while the last is in use."""
        if not isinstance(batch_size, Integral) or batch_size < 1:
            raise ValueError(f'batch_size is {batch_size!r}, expected a number of at least 1')
        numbered = enumerate(images)
        with ThreadPoolExecutor(min(batch_size, os.cpu_count() or 1, 8)) as pool:

            def read(chunk: list) -> list[tuple[str, Future]]:
                named = [as_input(image, number, channel_order) for number, image in chunk]
                return [(name, pool.submit(self._try_pack, image)) for name, image in named]

            batches = map(read, iter(lambda: list(itertools.islice(numbered, batch_size)), []))
            # a batch comes out when the next one is being read
            for batch, _ in itertools.pairwise(itertools.chain(batches, [None])):
                yield [(name, future.result()) for name, future in batch]

    def _inputs(self, packed: Sequence[Mapping[str, Any]]) -> Tensor:
        """Normalised (B, 3, h, w), on the model's device."""
        return self.model.data_preprocessor(pseudo_collate(list(packed)), False)['inputs']

    @torch.no_grad()
    def logits(self, packed: Sequence[Mapping[str, Any]], tta: bool = False) -> np.ndarray:
        """Raw logits (B, K), float32, of B packed images; `tta` as in :meth:`Decision.of`.

        Raises:
            ValueError: the model answers with NaN or infinite values.
        """
        inputs = self._inputs(packed)
        logits = mirror_averaged_logits(self.model, inputs) if tta else self.model(inputs)
        logits = logits.float().cpu().numpy()
        if not np.isfinite(logits).all():
            raise ValueError(f'{self.checkpoint.path}: the model gives NaN or infinite logits')
        return logits
