"""One way to load a model for use: predict, calibrate, visualize, export."""

import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import huggingface_hub
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmpretrain.models import ImageClassifier

from mlgcn.checkpoints import Checkpoint, CheckpointError, about, load
from mlgcn.checkpoints.recognise import fit_model
from mlgcn.checkpoints.trusted_config import BoundedConstruction, metadata_config
from mlgcn.datasets.image_io import read_image
from mlgcn.engine.config import ConfigError, fit_to_data, read_config
from mlgcn.engine.config_values import resolve
from mlgcn.evaluation.calibration import Calibration
from mlgcn.models.fuse import fuse
from mlgcn.registry import MODELS, TRANSFORMS

from .loaded_model import LoadedModel
from .shipped_configs import find_config, is_config


def load_model(
    config_or_checkpoint: str | Path,
    checkpoint: str | Path | None = None,
    device: str | torch.device | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    fused: bool = False,
    known: Mapping[str, bool] | None = None,
) -> LoadedModel:
    """`mlgcn.load`: read a checkpoint without running what is in it, and build its model.

    Args:
        config_or_checkpoint: a checkpoint of ours, of whose metadata's model only classes on an
            allow-list are built; or, with `checkpoint`, a config: file, or name of a shipped one.
        checkpoint: ours (its `state_dict`: EMA weights where the run had them) or published: a
            file, or 'hf-hub:user/name' (its `model.safetensors`).
        device: e.g. 'cuda:0'; None takes a GPU where there is one.
        cfg_options: overrides of the config, {'model.head.thr': 0.3}.
        fused: faster, with logits that differ by rounding (:func:`mlgcn.models.fuse.fuse`).
        known: see :meth:`LoadedModel.give_known`; they are given back with probability 1 or 0.

    Raises:
        ValueError: (CheckpointError, ConfigError) names the file, key or device that is wrong.
        FileNotFoundError, TypeError: no such checkpoint; what is given is no path.
    """
    path = _local_file(checkpoint or config_or_checkpoint)
    config = None if checkpoint is None else find_config(config_or_checkpoint)
    target = usable_device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
    loaded = load(path)
    loaded.check_sha256()
    with about(path):
        cfg = _read_config(config, cfg_options or {}, loaded)
        classes = _classes(loaded, cfg)
        calibration = _calibration(loaded, len(classes))
    with nullcontext() if config else _bounded(loaded):
        fit_to_data(cfg, classes)
        fit_model(cfg.model, loaded.weights)
        network, pipeline = _build(cfg)
    loaded.check_fits(network)
    network.load_state_dict(loaded.weights, strict=False)  # check_fits was strict
    network.to(target).eval()
    network = fuse(network) if fused else network
    model = LoadedModel(network, cfg, classes, loaded, pipeline, calibration)
    if known:
        model.give_known(known)
    return model


def _local_file(checkpoint: str | Path) -> str:
    """The checkpoint, fetched where it lies on the Hugging Face hub; no other file of its repo."""
    if not isinstance(checkpoint, (str, PathLike)):
        raise TypeError(f'{checkpoint!r} is no path: expected a checkpoint, or a config and one')
    checkpoint = str(checkpoint)
    if not checkpoint.startswith('hf-hub:'):
        if is_config(checkpoint):
            find_config(checkpoint)
            raise ConfigError(
                f'{checkpoint}: a config, expected a checkpoint; give it after the config (mlgcn '
                'models CONFIG says where published ones are)'
            )
        return checkpoint
    repo = checkpoint.removeprefix('hf-hub:')
    host = urlsplit(huggingface_hub.constants.ENDPOINT).hostname
    try:
        # by itself the library tries six times, half a minute, to reach a host without a network
        local = not getproxies() and not _is_known(host)
        return huggingface_hub.hf_hub_download(repo, 'model.safetensors', local_files_only=local)
    except LocalEntryNotFoundError as error:
        raise FileNotFoundError(
            f'{checkpoint}: model.safetensors was not fetched before, and there is no network ('
            f'{host} is not found); give the path of a file'
        ) from error
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise FileNotFoundError(
            f'{checkpoint}: model.safetensors cannot be fetched: {reason}'
        ) from error


def _is_known(host: str) -> bool:
    """Whether the name of a computer has an address: it has none without a network."""
    try:
        return bool(socket.getaddrinfo(host, 443))
    except OSError:
        return False


def usable_device(device: str | torch.device) -> torch.device:
    """The device of that name; a ValueError where torch has none."""
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


def _calibration(loaded: Checkpoint, num_classes: int) -> Calibration:
    try:
        return Calibration.from_metadata(loaded.metadata, num_classes)
    except ValueError as error:
        raise CheckpointError(str(error)) from error


def _build(cfg: Config) -> tuple[ImageClassifier, Callable[[dict], dict]]:
    """Model and test pipeline."""
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    config = dict(cfg.model)
    if cfg.get('data_preprocessor'):
        config.setdefault('data_preprocessor', cfg.data_preprocessor)
    without_pretrained(config)
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)  # upstream's wrapper of timm describes its maps
    try:
        model = MODELS.build(config)
    finally:
        logger.setLevel(level)
    if not isinstance(model, ImageClassifier):
        raise ConfigError(f'model is a {type(model).__name__}, expected an ImageClassifier')
    return model, _build_pipeline(cfg)


@contextmanager
def _bounded(loaded: Checkpoint) -> Iterator[None]:
    """Within, the model of a config out of the checkpoint is built: with bounded memory."""
    try:
        with BoundedConstruction(loaded.weights):
            yield
    except ConfigError as error:
        raise ConfigError(f'{loaded.path}: {error}') from error
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
