"""The metadata of a checkpoint: what its weights are, in plain values that need no config."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmpretrain.datasets.categories import VOC2007_CATEGORIES
from safetensors.torch import save
from torch import Tensor

from .atomic_files import checkpoint_bytes, refuse_existing, write_atomically
from .convert import convert, detect
from .error import CheckpointError
from .peers import tresnet_of

KEY = 'mlgcn_metadata'  # in a checkpoint's `meta`, and in the metadata of .safetensors
KINDS = {
    'addgcn': 'ADD-GCN as published',
    'gkgnet': 'GKGNet as published',
    'csra': 'CSRA as published',
    'ml_gcn': 'ML-GCN as published',
    'ml_decoder': 'ML-Decoder as published',
    'query2label': 'Query2Label as published',
    'ctran': 'C-Tran as its training script saves it',
    'asl': 'TResNet with a linear classifier, as ASL publishes it',
    'pvig': 'Pyramid ViG as published (ImageNet)',
    'mmpretrain': "Pyramid ViG in mmpretrain's names",
    'torchvision': "a ResNet in torchvision's names",
    'timm': "an EfficientNet in timm's names",
    'mlgcn': "a classifier in mlgcn's (mmpretrain's) names",
    'unknown': 'weights of an unknown model',
}
LICENCES = {
    'addgcn': 'Published without a licence: ask its authors before passing the weights on.',
    'gkgnet': 'The published code and what comes with it may not be used commercially.',
    'csra': 'AGPL-3.0, and "for academic usage" by its README: ask its authors.',
    'ml_gcn': 'Published without a licence: ask its authors before passing the weights on.',
    'ml_decoder': 'MIT; the terms of the training images apply.',
    'query2label': 'MIT; the terms of the training images apply.',
    'ctran': 'MIT code, no weights are released: the terms of whoever trained them apply.',
    'asl': 'MIT (TResNet: Apache-2.0); the terms of the training images apply.',
    'pvig': "The terms of huawei-noah/Efficient-AI-Backbones and of ImageNet's images apply.",
    'mmpretrain': "mmpretrain is Apache-2.0; the terms of ImageNet's images apply to weights.",
    'torchvision': "torchvision is BSD-3-Clause; the terms of ImageNet's images apply to weights.",
    'timm': "timm is Apache-2.0; the terms of the model card and of ImageNet's images apply.",
}
PRETRAINED = "init_cfg=dict(type='Pretrained', checkpoint=FILE) of "
USED_BY = {
    'addgcn': 'mlgcn test addgcn_coco_448 FILE',
    'gkgnet': 'mlgcn test gkgnet_coco_576 FILE',
    'csra': 'mlgcn test csra_coco_448 FILE',
    'ml_gcn': 'mlgcn test ml_gcn_coco_448 FILE --cfg-options model.head.embeddings=VECTORS.npy',
    'ml_decoder': 'mlgcn test ml_decoder_tresnetl_coco_448 FILE',
    'query2label': 'mlgcn test query2label_r101_coco_448 FILE',
    'ctran': 'mlgcn test ctran_r101_coco_576 FILE',
    'asl': 'mlgcn test asl_tresnetl_coco_448 FILE',
    'pvig': PRETRAINED + 'mlgcn.PyramidViG',
    'mmpretrain': PRETRAINED + 'mlgcn.PyramidViG',
    'torchvision': PRETRAINED + 'ResNet',
    'timm': PRETRAINED + 'mlgcn.TIMMBackbone',
}
# an entry with one row for each class, under the published names and ours
CLASSIFIERS = {
    'addgcn': ('fc.weight', 'head.fc.weight'),
    'gkgnet': ('backbone.label_lt.weight', 'neck.labels.weight'),
    'csra': ('classifier.multi_head.0.head.weight', 'head.csra_heads.0.head.weight'),
    'ml_gcn': ('A', 'head.graph'),
    'ml_decoder': (
        'head.decoder.duplicate_pooling_bias',
        'fc.decoder.duplicate_pooling_bias',
        'head.bias',
    ),
    'query2label': ('query_embed.weight', 'head.queries'),
    'ctran': ('label_lt.weight', 'head.labels.weight'),
    'asl': ('head.fc.FC.weight', 'head.fc.weight'),
}
BY_NAME = ('addgcn', 'ml_gcn')  # their COCO classes are sorted by name, those of others by id
VIG_ARCHS = {48: 't', 80: 's', 96: 'm', 128: 'b'}


def make_metadata(
    state_dict: Mapping[str, Tensor],
    classes: Sequence[str] | None,
    licence: str,
    cfg: Config | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A dict of plain values.

    Its keys: `mlgcn` (version), `classes` (names in the order of the logits, or None), `input_size`
    ([height, width] in pixels of the test pipeline, or None), `normalisation` (mean, std and to_rgb
    of the data preprocessor, or None), `config` (the whole config as JSON text, or None),
    `licence`, `sha256` of the weights (:func:`fingerprint`), and `more`.
    """
    from mlgcn import __version__

    cfg = Config() if cfg is None else cfg
    preprocessor = cfg.get('data_preprocessor') or cfg.get('model', {}).get('data_preprocessor')
    return {
        'mlgcn': __version__,
        'classes': None if classes is None else [str(name) for name in classes],
        'input_size': input_size(cfg),
        'normalisation': preprocessor
        and {key: preprocessor.get(key) for key in ('mean', 'std', 'to_rgb')},
        'config': json.dumps(cfg.to_dict(), default=str) if len(cfg) else None,
        'licence': licence,
        'sha256': fingerprint(state_dict),
        **more,
    }


def fingerprint(state_dict: Mapping[str, Tensor]) -> str:
    """sha256, in hex, of names, types, shapes and bytes, in the order of the names.

    The same for the same weights in whatever file and order.
    """
    digest = hashlib.sha256()
    for key in sorted(state_dict):
        value = state_dict[key].detach().cpu().contiguous()
        digest.update(f'{key} {value.dtype} {tuple(value.shape)}\n'.encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def save_weights(
    path: str | Path,
    state_dict: Mapping[str, Tensor],
    metadata: Mapping[str, Any],
    content: Mapping[str, Any] | None = None,
    force: bool = False,
) -> None:
    """Write weights with their metadata, as `.safetensors` (preferred) or `.pth`.

    Args:
        content: what else a .pth is to hold (optimizer, run state, ...); its `meta` gets the
            metadata.
        force: overwrite a file that is there.

    Raises:
        CheckpointError: another suffix.
        FileExistsError: the file is there already.
        OSError: it cannot be written; nothing, or the older file, is there.
    """
    path = Path(path)
    if path.suffix not in ('.safetensors', '.pth'):
        raise CheckpointError(f'{path}: expected a name that ends in .safetensors or .pth')
    refuse_existing(path, force)
    weights = {key: value.contiguous().clone() for key, value in state_dict.items()}
    if path.suffix == '.safetensors':
        data = save(weights, {'format': 'pt', KEY: json.dumps(metadata)})
    else:
        rest = dict(content or {})
        meta = {**rest.get('meta', {}), **meta_of(metadata)}
        data = checkpoint_bytes({**rest, 'meta': meta, 'state_dict': weights})
    write_atomically(path, data)


def meta_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The `meta` of a checkpoint with this metadata, as mmengine's checkpoints have it."""
    meta: dict[str, Any] = {KEY: dict(metadata)}
    if metadata.get('classes'):
        meta['dataset_meta'] = {'classes': tuple(metadata['classes'])}
    if metadata.get('source'):
        meta['source'] = metadata['source']
    return meta


def implied_classes(source: str, num_classes: int) -> tuple[str, ...] | None:
    """The class names that a published file stands for, in its order; None if not known.

    80 classes are COCO's, 20 are PASCAL VOC's. ADD-GCN and ML-GCN sort COCO's by name, the others
    by id; VOC's are sorted by name in all.
    """
    if source not in CLASSIFIERS or num_classes not in (20, 80):
        return None
    if num_classes == 20:
        return tuple(VOC2007_CATEGORIES)
    # imported here: it takes a second
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    # COCO's names in the order of their ids; ids without a class are called N/A
    names = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
    coco = tuple(name for name in names[1:] if name != 'N/A')
    return tuple(sorted(coco)) if source in BY_NAME else coco


def num_classes(source: str, weights: Mapping[str, Tensor]) -> int | None:
    """Number of classes of a published model; None where its weights do not fix it."""
    rows = [len(weights[key]) for key in CLASSIFIERS.get(source, ()) if key in weights]
    zero_shot = source == 'ml_decoder' and any('word' in key for key in weights)
    return rows[0] if rows and not zero_shot else None


def describe(state_dict: Mapping[str, Tensor]) -> dict[str, str]:
    """What names and shapes say about published weights, as `label: text` to print."""
    source = detect(state_dict)
    facts = {'kind': KINDS[source]}
    if source in ('addgcn', 'torchvision'):
        blocks = [key for key in state_dict if key.endswith(('.bn1.weight', '.bn3.weight'))]
        first = [key for key in blocks if key.endswith('.bn1.weight')]
        facts['model'] = f'ResNet-{2 + len(first) + len(blocks)}'
    if source in ('asl', 'ml_decoder') and 'body.conv1.0.weight' in state_dict:
        body = tresnet_of(convert(state_dict, source))
        facts['model'] = ' '.join(f'{value}' for value in body.values()) + " in timm's names"
    embedding = [v for k, v in state_dict.items() if k.endswith('pos_embed') and v.ndim == 4]
    if source in ('gkgnet', 'pvig', 'mmpretrain') and embedding:
        _, channels, height, width = embedding[0].shape
        facts['model'] = f'Pyramid ViG, arch {VIG_ARCHS.get(channels, f"with {channels} channels")}'
        facts['built for'] = f'{4 * height} x {4 * width} pixels'
    if source in CLASSIFIERS:
        number = num_classes(source, state_dict) or 0
        names = implied_classes(source, number)
        facts['classes'] = f'{number}' + (f', implied order: {", ".join(names)}' if names else '')
    if source in LICENCES:
        facts.update({'licence': LICENCES[source], 'used by': USED_BY[source]})
    return facts


def input_size(cfg: Config) -> list[int] | None:
    """[height, width] that the test pipeline's last resize or crop gives."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    for transform in reversed(dataset.get('pipeline') or []):
        size = transform.get('crop_size') or transform.get('scale')
        if isinstance(size, int):
            return [size, size]
        if size:  # mmcv: (width, height)
            return [int(size[1]), int(size[0])]
    return None
