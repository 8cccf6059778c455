"""One way to load a model for use: predict, calibrate, visualize, export."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmpretrain.models import ImageClassifier
from rich.progress import track
from torch.utils.data import DataLoader

from mlgcn.checkpoints import Checkpoint, CheckpointError, about, load
from mlgcn.checkpoints.recognise import fit_model
from mlgcn.checkpoints.trusted_config import BoundedConstruction, metadata_config
from mlgcn.datasets.image_io import read_image
from mlgcn.engine.config import ConfigError, build_dataset, fit_to_data, read_config
from mlgcn.engine.fuse import fuse
from mlgcn.engine.overrides import resolve
from mlgcn.evaluation.calibration import Calibration
from mlgcn.models.heads.multilabel_head import label_vector
from mlgcn.registry import MODELS, TRANSFORMS

from .shipped_configs import find_config


@dataclass
class LoadedModel:
    """A model and everything that a prediction needs.

    Args:
        model: in evaluation mode, on its device.
        cfg: the config file's; out of a checkpoint's metadata `model`, the test pipeline and
            `default_scope` alone.
        classes: K names in the order of the logits.
        checkpoint: what was loaded.
        pipeline: the test pipeline; takes dict(img_path=...) or dict(img=...) with `img` as mmcv
            reads it (uint8 (H, W, 3), BGR) and gives dict(inputs=(3, h, w), data_samples=...).
        calibration: from the metadata, or temperature 1 and thresholds 0.5.
    """

    model: ImageClassifier
    cfg: Config
    classes: tuple[str, ...]
    checkpoint: Checkpoint
    pipeline: Callable[[dict], dict]
    calibration: Calibration

    def pack(self, image: str | Path | np.ndarray) -> dict[str, Any]:
        """A file, or an array of uint8 (H, W, 3) in BGR, through the test pipeline."""
        if isinstance(image, np.ndarray):
            return self.pipeline(dict(img=image))
        return self.pipeline(dict(img_path=str(image)))

    @torch.no_grad()
    def logits(self, packed: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Raw logits (B, K), float32, of B packed images.

        Raises:
            ValueError: the model answers with NaN or infinite values.
        """
        data = self.model.data_preprocessor(pseudo_collate(list(packed)), False)
        logits = self.model(data['inputs'], mode='tensor').float().cpu().numpy()
        if not np.isfinite(logits).all():
            raise ValueError(f'{self.checkpoint.path}: the model gives NaN or infinite logits')
        return logits

    def dataset_logits(self, loader: str = 'val_dataloader') -> tuple[np.ndarray, np.ndarray]:
        """Logits float32 (N, K) and targets int8 (N, K) of 1, 0, -1 of the images of `cfg[loader]`.

        Raises:
            CheckpointError: the config names no such data, or its classes are others.
            ValueError, OSError: what the data set raises.
        """
        options = self.cfg.get(loader) or {}
        if 'type' not in options.get('dataset', {}):
            raise CheckpointError(
                f'{self.checkpoint.path}: its config has no {loader}; give the config file'
            )
        dataset = build_dataset(self.cfg, loader, self.classes)
        self.checkpoint.check_classes(dataset.metainfo['classes'], "the data's")
        batches = DataLoader(
            dataset,
            batch_size=options.get('batch_size', 16),
            num_workers=options.get('num_workers', 0),
            collate_fn=list,
        )
        logits, targets = [], []
        for packed in track(batches, 'batches'):
            logits.append(self.logits(packed))
            samples = [item['data_samples'] for item in packed]
            targets += [label_vector(sample, len(self.classes)).numpy() for sample in samples]
        return np.concatenate(logits), np.stack(targets).astype(np.int8)


def load_model(
    config: str | Path | None,
    checkpoint: str | Path,
    device: str | torch.device = 'cpu',
    cfg_options: Mapping[str, Any] | None = None,
    fused: bool = False,
) -> LoadedModel:
    """Read a checkpoint without running what is in it, and build its model.

    EMA weights are used where the run had them: they are what its `state_dict` holds.

    Args:
        config: a config file, the name of a shipped one ('addgcn_coco_448'), or None: the one in
            the checkpoint's metadata, of which only classes on an allow-list are built.
        checkpoint: ours, or a published one (those have no metadata and need a config).
        device: as torch writes it, e.g. 'cuda:0'.
        cfg_options: overrides, {'model.head.thr': 0.3}.
        fused: faster, with logits that differ by rounding (:func:`mlgcn.engine.fuse.fuse`).

    Raises:
        ValueError: (CheckpointError, ConfigError) names the file, key or device that is wrong.
        FileNotFoundError: no such checkpoint.
    """
    path, target = str(checkpoint), _device(device)
    config = None if config is None else find_config(config)
    loaded = load(path)
    loaded.check_sha256()
    with about(path):
        cfg = _read_config(config, cfg_options or {}, loaded)
        classes = _classes(loaded, cfg)
        try:
            calibration = Calibration.from_metadata(loaded.metadata, len(classes))
        except ValueError as error:
            raise CheckpointError(str(error)) from error
    fit_to_data(cfg, classes)
    fit_model(cfg.model, loaded.weights)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    model, pipeline = _build(cfg) if config else _build_stated(cfg, loaded)
    loaded.check_fits(model)
    model.load_state_dict(loaded.weights, strict=False)  # check_fits was strict
    model.to(target).eval()
    return LoadedModel(fuse(model) if fused else model, cfg, classes, loaded, pipeline, calibration)


def _device(device: str | torch.device) -> torch.device:
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or [''])[0]
        raise ValueError(f'device {str(device)!r} cannot be used: {reason}') from error


def _read_config(config: Path | None, options: Mapping[str, Any], loaded: Checkpoint) -> Config:
    if config is not None:
        return read_config(config, options)
    if not loaded.metadata:
        raise CheckpointError('it has no metadata (not a checkpoint of mlgcn); give the config')
    cfg = metadata_config(loaded.metadata)
    cfg.merge_from_dict(resolve(cfg, options))
    return cfg


def _classes(loaded: Checkpoint, cfg: Config) -> tuple[str, ...]:
    """The checkpoint's class names; those of the config where it has none."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    own = dataset.get('classes') or dataset.get('metainfo', {}).get('classes')
    if isinstance(own, (str, Path)):
        own = Path(own).read_text().splitlines()
    if own:
        loaded.check_classes(own, "the config's")
    if not (loaded.classes or own):
        raise CheckpointError(
            'the names of its classes are not known; give them in order, one a line, with '
            '--cfg-options test_dataloader.dataset.classes=FILE'
        )
    return loaded.classes or tuple(map(str, own))


def _build(cfg: Config) -> tuple[ImageClassifier, Callable[[dict], dict]]:
    """Model and test pipeline."""
    config = dict(cfg.model)
    if cfg.get('data_preprocessor'):
        config.setdefault('data_preprocessor', cfg.data_preprocessor)
    without_pretrained(config)
    model = MODELS.build(config)
    if not isinstance(model, ImageClassifier):
        raise ConfigError(f'model is a {type(model).__name__}, expected an ImageClassifier')
    return model, _build_pipeline(cfg)


def _build_stated(cfg: Config, loaded: Checkpoint) -> tuple[ImageClassifier, Callable]:
    """The same of a config out of the checkpoint: with bounded memory."""
    try:
        with BoundedConstruction(loaded.weights):
            return _build(cfg)
    except Exception as error:
        raise CheckpointError(
            f"{loaded.path}: its metadata's model cannot be built ({type(error).__name__}: "
            f'{" ".join(str(error).split())[:200]}); give the config'
        ) from error


def without_pretrained(node: Any) -> None:
    """Switch off, in place, weights that a constructor would fetch: the checkpoint has them."""
    if isinstance(node, dict):
        if node.get('pretrained'):
            node['pretrained'] = False if isinstance(node['pretrained'], bool) else None
        for value in node.values():
            without_pretrained(value)


def _build_pipeline(cfg: Config) -> Callable[[dict], dict]:
    transforms = [TRANSFORMS.build(t) for t in cfg.test_dataloader.dataset.pipeline]
    if not transforms or not type(transforms[0]).__name__.startswith('LoadImage'):
        raise ConfigError('the test pipeline does not start with LoadImageFromFile')
    whole, rest = Compose(transforms), Compose(transforms[1:])
    upstream = type(transforms[0]) is LoadImageFromFile
    is_checked = upstream and transforms[0].imdecode_backend != 'tifffile'

    def pipeline(results: dict) -> dict:
        if 'img' not in results:
            if is_checked:  # upstream's takes half a picture, waits for pipes, starts Ghostscript
                read_image(results['img_path'])
            return whole(dict(results))
        shape = results['img'].shape[:2]
        return rest(dict(results, img_shape=shape, ori_shape=shape))

    return pipeline
