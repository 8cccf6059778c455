"""A config out of a checkpoint's metadata: data from a stranger, so little of it is believed.

mmengine's registries import whatever dotted path a `type` names and call it ('os.system'); some
upstream classes read files, download, or run an argument as code (`torchvision/*` with `dtype`).
Hence an allow-list: a class must be registered, come from one of the modules below, and take no
argument that names a file.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import Registry
from torch import Tensor
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.overrides import TorchFunctionMode

from mlgcn.registry import MODELS, TRANSFORMS

from .safe_load import CheckpointError, read_json

MODEL_MODULES = (
    'mlgcn.models.',
    'mmcv.cnn.bricks.',
    'mmpretrain.models.backbones.',
    'mmpretrain.models.classifiers.image',
    'mmpretrain.models.heads.linear_head',
    'mmpretrain.models.heads.multi_label_',
    'mmpretrain.models.losses.',
    'mmpretrain.models.necks.',
    'mmpretrain.models.utils.data_preprocessor',
    'mmpretrain.models.utils.norm',
    'torch.nn.modules.',
)
CLASSIFIERS = ('ImageClassifier', 'MirrorAveragedClassifier')
TRANSFORM_MODULES = (
    'mlgcn.datasets.transforms.',
    'mmcv.transforms.',
    'mmpretrain.datasets.transforms.',
)
SCOPES = ('', 'mlgcn', 'mmpretrain', 'mmengine')
# what only initialises, trains or fetches: never built, so left out unread
LEFT_OUT = frozenset(
    {'init_cfg', 'pretrained', 'train_cfg', 'batch_augments', 'file_client_args', 'backend_args'}
)
TIMM_KEYS = {'type', 'model_name', 'features_only', 'out_indices', 'in_channels', 'frozen'}
TIMM_KEYS |= {'img_size', 'layers'}  # transformers; TResNet-XL of ML-Decoder
TIMM_KEYS |= {'frozen_layers'}  # fine-tuned
FACTORIES = {
    *(torch.arange, torch.empty, torch.eye, torch.full, torch.linspace, torch.ones, torch.rand),
    *(torch.randint, torch.randn, torch.randperm, torch.zeros),
}
# of any number: pixels of a side in the test pipeline; widths, layers, images in the model, where
# constructors make lists of that length
LARGEST = {'pipeline': 2_500, 'model': 1_000_000}
MOST_TYPES = 1_000  # the largest shipped config has 60 classes


class BoundedConstruction(TorchFunctionMode):
    """Within it a model can't be built that takes much more memory than its weights in the file.

    Every tensor that a constructor makes is counted, by its shape on the meta device, before it
    takes memory. (Building the whole model there is no way: some constructors read values.)

    Args:
        weights: the file's.

    Raises:
        CheckpointError: within the block, when there are too many tensors or numbers in them.
    """

    def __init__(self, weights: Mapping[str, Tensor]):
        super().__init__()
        # room for what constructors make and drop, and for buffers that no file holds
        self.tensors = 16 * len(weights) + 1000
        self.numbers = 4 * sum(value.numel() for value in weights.values()) + 2**22

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Count the tensors of FACTORIES; everything else is torch's."""
        kwargs = kwargs or {}
        if func in FACTORIES and 'out' not in kwargs:
            self._count(func(*args, **{**kwargs, 'device': 'meta'}))
        return func(*args, **kwargs)

    def __enter__(self):
        self.hook = register_module_parameter_registration_hook(lambda m, n, p: self._count(p))
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        self.hook.remove()
        super().__exit__(*error)

    def _count(self, tensor: Tensor | None) -> None:
        self.tensors -= 1
        self.numbers -= 0 if tensor is None else tensor.numel()
        if self.tensors < 0 or self.numbers < 0:
            raise CheckpointError('it would be larger than the weights in the file')


def metadata_config(metadata: Mapping[str, Any]) -> Config:
    """`model`, `data_preprocessor` and the test pipeline of `metadata['config']`, and no more.

    Returns:
        a Config with `model` (data preprocessor inside), `test_dataloader.dataset.pipeline` and
        `default_scope`.

    Raises:
        CheckpointError: the metadata has no config, or one that names classes off the allow-list,
            or is not as mlgcn writes it.
    """
    text = metadata.get('config')
    if not isinstance(text, str):
        raise CheckpointError('its metadata has no config; give the config file')
    try:
        if text.count('"type"') > MOST_TYPES:
            raise _refused(f'it has more than {MOST_TYPES:,} parts', 'as no model has')
        stated = read_json(text)
        model = {'type': 'ImageClassifier', **stated['model']}
        if _name(model['type']) not in CLASSIFIERS:
            raise _refused(f'model.type is {model["type"]!r}, expected {" or ".join(CLASSIFIERS)}')
        if preprocessor := model.get('data_preprocessor') or stated.get('data_preprocessor'):
            model['data_preprocessor'] = {'type': 'ClsDataPreprocessor', **preprocessor}
        model = _clean(model, 'model', MODELS, MODEL_MODULES)
        pipeline = stated['test_dataloader']['dataset']['pipeline']
        pipeline = _clean(pipeline, 'pipeline', TRANSFORMS, TRANSFORM_MODULES)
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        seen = f'{type(error).__name__}: {str(error)[:80]}'
        told = f'the config in its metadata is not as mlgcn writes it ({seen})'
        raise CheckpointError(f'{told}; give the config file') from error
    data = dict(dataset=dict(pipeline=pipeline))
    return Config(dict(model=model, test_dataloader=data, default_scope='mmpretrain'))


def _clean(node: Any, path: str, registry: Registry, modules: tuple[str, ...]) -> Any:
    """`node` without the keys of LEFT_OUT; every `type` in it looked up without importing."""
    if isinstance(node, list):
        return [_clean(item, f'{path}[{i}]', registry, modules) for i, item in enumerate(node)]
    if not isinstance(node, dict):
        most = LARGEST[re.match(r'\w+', path)[0]]
        if isinstance(node, (int, float)) and abs(node) > most:
            raise _refused(f'{path} is {node}', f'expected at most {most:,}')
        return node
    if '_scope_' in node:
        raise _refused(f'{path} has a _scope_')
    node = {key: value for key, value in node.items() if key not in LEFT_OUT}
    if 'type' in node:
        _check_type(node, path, registry, modules)
    return {key: _clean(v, f'{path}.{key}', registry, modules) for key, v in node.items()}


def _check_type(node: dict, path: str, registry: Registry, modules: tuple[str, ...]) -> None:
    name = node['type']
    cls = registered(registry, name) if isinstance(name, str) else None
    if cls is None or not f'{cls.__module__}.'.startswith(modules):
        raise _refused(f'{path}.type is {str(name)[:60]!r}')
    if _name(name) == 'MLGCNHead':  # the weights bring both; as arguments they name files
        node.pop('graph', None), node.pop('embeddings', None)
    if _name(name) == 'MLDecoderHead' and isinstance(node.get('word_vectors'), str):
        raise _refused(f'{path}.word_vectors names a file')
    if _name(name) == 'TIMMBackbone':
        others = sorted(key for key in set(node) - TIMM_KEYS if key != 'checkpoint_path')
        fetched = node.pop('checkpoint_path', '') or ':' in str(node.get('model_name'))
        if others or fetched:
            what = ', '.join(others) or str(node.get('model_name'))[:60]
            raise _refused(f'{path}: a TIMMBackbone with {what}')


def registered(registry: Registry, name: str) -> type | None:
    """The class under `name` ('X' or 'scope.X') in `registry` or its parents; imports nothing.

    (`Registry.get` imports what a dotted name asks for.)
    """
    scope, _, bare = name.rpartition('.')
    if scope not in SCOPES:
        return None
    while registry is not None:
        registry.import_from_location()
        if bare in registry.module_dict and scope in ('', registry.scope):
            return registry.module_dict[bare]
        registry = registry.parent
    return None


def _name(name: Any) -> str:
    return str(name).rpartition('.')[2]


def _refused(what: str, why: str = 'which is not on the allow-list') -> CheckpointError:
    told = f'the config in its metadata is not used, because {what}, {why}'
    return CheckpointError(f'{told}; give the config file, if you trust it')
