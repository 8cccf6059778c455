"""One way to read a checkpoint: for train, test, predict, `init_cfg`, convert and describe."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch.hub
from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mlgcn.messages import some

from .convert import convert, detect, unwrap
from .metadata import KEY, fingerprint, meta_of
from .safe_load import SAFETENSORS, CheckpointError, about, read_json, safe_load
from .sources import SOURCES, implied_classes, num_classes


@dataclass
class Checkpoint:
    """What a file of weights is and holds.

    Args:
        path: the file or URL.
        source: whose weights they are: 'addgcn' and 'gkgnet' also where they were converted, else
            what :func:`detect` finds in their names.
        weights: the state_dict; a whole published model's (ADD-GCN, GKGNet) under our names.
        metadata: :func:`make_metadata`'s, {} for files of others.
        content: the file as mmengine's Runner takes it: `state_dict`, `meta` and, in a run's own
            checkpoints, `optimizer`, `param_schedulers`, `message_hub`, `run_state`.
    """

    path: str
    source: str
    weights: dict[str, Tensor]
    metadata: dict[str, Any]
    content: dict[str, Any]

    @cached_property
    def sha256(self) -> str:
        """:func:`fingerprint` of the weights, as they are in this object."""
        return fingerprint(self.weights)

    @property
    def stated_classes(self) -> tuple[str, ...] | None:
        """Class names in the order of the logits, as the file states them."""
        dataset = self.content.get('meta', {}).get('dataset_meta', {})
        stated = self.metadata.get('classes') or dataset.get('classes')
        return tuple(map(str, stated)) if stated else _listed_classes(self.content)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The stated class names, or those that a published file stands for."""
        return self.stated_classes or implied_classes(self.source, self.num_rows or 0)

    @property
    def num_rows(self) -> int | None:
        """Number of classes of a published model, by the rows of its classifier."""
        return num_classes(self.source, self.weights)

    def check_sha256(self) -> None:
        """Raise a CheckpointError where the weights are not those that the metadata describes."""
        if self.metadata and self.metadata.get('sha256') != self.sha256:
            told = "the weights are not those of its metadata's sha256; was the file edited?"
            raise CheckpointError(f'{self.path}: {told}')

    def check_finite(self) -> None:
        """Raise a CheckpointError that names the entries with NaN or infinite values."""
        floats = {k: v for k, v in self.weights.items() if v.is_floating_point()}
        bad = [key for key, value in floats.items() if not value.isfinite().all()]
        if bad:
            raise CheckpointError(f'{self.path}: NaN or infinite values in {some(bad)}')

    def check_classes(self, classes: Sequence[str], whose: str = "the data's") -> None:
        """Stop when others number their classes otherwise than this checkpoint.

        Args:
            classes: theirs, in their order.
            whose: for the message.

        Raises:
            CheckpointError: other names, or another order; says which class differs.
        """
        expected, classes = self.classes, tuple(map(str, classes))
        known = SOURCES[self.source]
        if expected is None and known.by_name:
            expected = tuple(sorted(classes))
        number = self.num_rows if expected is None else len(expected)
        if number in (None, len(classes)) and expected in (None, classes):
            return
        text = f'{self.path} is for {number} classes, {whose} are {len(classes)}'
        for i, (own, other) in enumerate(zip(expected or (), classes)):
            if own != other:
                text += f'; class {i} is {own!r} there, {other!r} here'
                break
        if expected and set(expected) == set(classes):
            text += '. The names are the same in another order: scores would go to wrong classes'
            if known.classifier:
                text += f'; use a data set with class_order={"name" if known.by_name else "id"!r}'
        elif expected:
            missing = some([name for name in expected if name not in set(classes)], 5) or 'none'
            new = some([name for name in classes if name not in set(expected)], 5) or 'none'
            text += f' (only there: {missing}; only here: {new})'
        raise CheckpointError(text)

    def check_fits(self, model: nn.Module) -> None:
        """Every entry of `model` must be in the checkpoint, with its shape, and the reverse.

        Raises:
            CheckpointError: names the first entries that are missing, unknown, of another shape, or
                not finite.
        """
        model, weights = getattr(model, 'module', model), self.weights
        own = model.state_dict()
        # published ML-GCN files lack the label embeddings: the config's file gives them
        if self.source == 'ml_gcn' and getattr(model.head, 'embeddings_file', None):
            own = {key: own[key] for key in own if key in weights or key != 'head.embeddings'}
        both = [(key, own[key], weights[key]) for key in own if key in weights]
        misfits = {
            'missing': [key for key in own if key not in weights],
            'unknown': [key for key in weights if key not in own],
            'of another shape': [
                f'{key}: {tuple(b.shape)}, expected {tuple(a.shape)}'
                for key, a, b in both if a.shape != b.shape
            ],
            'of whole numbers': [
                key for key, a, b in both if a.is_floating_point() and not b.is_floating_point()
            ],
        }  # fmt: skip
        found = [f'{len(keys)} {what} (e.g. {keys[0]})' for what, keys in misfits.items() if keys]
        if found:
            told = f'of {len(own)} entries {", ".join(found)}; another model or number of classes?'
            raise CheckpointError(f'{self.path} does not fit the config: {told}')
        self.check_finite()


def load(file: Any, published_names: bool = False) -> Checkpoint:
    """Read a checkpoint, on the CPU, without running what is in it.

    Args:
        file: path, URL or mmengine's short form of one (torchvision://resnet50), file object.
        published_names: leave a published model's weights under its own names.

    Raises:
        CheckpointError: it is no checkpoint, is damaged, or asks for what is not on the allow-list.
        OSError: it is not there.
    """
    if isinstance(file, str) and '://' in file:
        content = CheckpointLoader.load_checkpoint(file, 'cpu', logger='silent')
    else:
        content = safe_load(file)
    name = str(getattr(file, 'name', file))
    with about(name):
        return as_checkpoint(name, content, published_names)


def load_content(file: Any, map_location: Any = None, weights_only: bool | None = None) -> dict:
    """:func:`load` in the place of mmengine's readers: the content alone, always on the CPU."""
    if weights_only is False:
        raise CheckpointError(f'{file}: mlgcn does not unpickle without an allow-list')
    return load(os.path.expanduser(file) if isinstance(file, str) else file).content


def load_url(url: str, model_dir: str | None = None, progress: bool = True, **_: Any) -> dict:
    """:func:`load` in the place of torch.hub's download, which unpickles in full; same cache."""
    folder = Path(model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints'))
    path = folder / os.path.basename(urlparse(url).path)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=progress)
        except OSError as error:
            advice = f'put the file at {path}, or name another one in init_cfg.checkpoint'
            reason = getattr(error, 'reason', error)
            raise CheckpointError(f'{url} cannot be fetched ({reason}); {advice}') from error
    return load(path).content


def as_checkpoint(name: str, content: Any, published_names: bool = False) -> Checkpoint:
    """The checkpoint of a file's content, as a Runner or :func:`safe_load` has it."""
    weights = unwrap(content)
    text = content.pop(SAFETENSORS, {})
    if KEY in text or 'passport' in text:
        content['meta'] = {KEY: read_json(text.get(KEY) or text['passport'])}
    meta = content.setdefault('meta', {}) if 'state_dict' in content else content.get('meta', {})
    if not isinstance(meta, dict) or not isinstance(meta.get('dataset_meta', {}), dict):
        raise CheckpointError(f"expected dicts in 'meta', found {str(meta)[:80]}")
    if 'config' in meta:  # Runner.resume would execute it
        meta['config_text'] = meta.pop('config')
    if 'passport' in meta:  # the key of earlier versions
        meta[KEY] = meta.pop('passport')
    metadata = meta.get(KEY) or {}
    if not isinstance(metadata, dict):
        raise CheckpointError(f'expected a dict as its metadata, found {str(metadata)[:80]}')
    lists = metadata.get('classes'), meta.get('dataset_meta', {}).get('classes')
    for classes in lists:
        if not isinstance(classes, (list, tuple, type(None))):
            raise CheckpointError(f'expected a list of class names, found {str(classes)[:80]}')
        twice = [name for name, n in Counter(map(str, classes or ())).items() if n > 1]
        if twice:
            raise CheckpointError(f'its list of classes has names twice: {some(twice)}')
    ours, theirs = (list(map(str, classes or ())) for classes in lists)
    if ours and theirs and ours != theirs:
        text = f'its metadata has the classes {some(ours)}, its dataset_meta {some(theirs)}'
        raise CheckpointError(f'{text}: which are right?')
    if text:
        meta.update(meta_of(metadata))
    source = detect(weights)
    if SOURCES[source].classifier and not published_names:
        print_log(f'{name}: {SOURCES[source].kind}, converted', 'current')
        weights = convert(weights, source)
        own = dict(source=source)
        if names := _listed_classes(content):
            own['dataset_meta'] = dict(classes=names)
        content = dict(meta=own, state_dict=weights)
    stated = str(meta.get('source'))
    return Checkpoint(name, stated if stated in SOURCES else source, weights, metadata, content)


def _listed_classes(content: Any) -> tuple[str, ...] | None:
    """The names of ASL's and ML-Decoder's files, whose `idx_to_class` is {0: name, ...}."""
    names = content.get('idx_to_class') if isinstance(content, dict) else None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        return None
    by_number = {str(number): name for number, name in names.items()}
    listed = tuple(by_number.get(str(number)) for number in range(len(names)))
    return None if None in listed else listed
