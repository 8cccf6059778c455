"""Mistyped classes and keys are found before anything is built, and named with their path."""

import difflib
import inspect
from collections.abc import Iterable

from mmengine import registry as mmengine_registry
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import Runner
from mmpretrain import registry as mmpretrain_registry

RUNNER_KEYS = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'}
# read by mmengine's Config or Runner, or by mlgcn's tools, beside the Runner's own arguments
OTHER_KEYS = frozenset(
    {'custom_imports', 'sync_bn', 'model_wrapper_cfg', 'strategy', 'runner_type'}
)
# taken out by mmengine before the class is called
NOT_ARGUMENTS = frozenset(
    {'type', '_scope_', 'priority', 'constructor', 'paramwise_cfg', 'convert_to_iter_based'}
)
# sub-configs whose types live outside the registries, or which are free-form
FREE = frozenset({'policies', 'metainfo', 'transforms_kwargs', 'accumulative_counts', 'meta'})


class ConfigError(ValueError):
    """A config names a class or key that does not exist."""


def check_config(cfg: Config) -> None:
    """Look every `type` and its keys up, without building anything.

    Args:
        cfg: the merged config; the Runner's sections are walked.

    Raises:
        ConfigError: names the path of the class or key, what was seen, and the nearest known name.
    """
    for name in cfg:
        if name not in RUNNER_KEYS | OTHER_KEYS:
            near = difflib.get_close_matches(name, RUNNER_KEYS | OTHER_KEYS, n=1, cutoff=0.85)
            if near:
                raise ConfigError(f'{name}: not a key of a config; did you mean {near[0]!r}?')
    for name in sorted(RUNNER_KEYS & set(cfg)):
        if name not in ('visualizer', 'default_hooks', 'log_processor'):
            _check(cfg[name], name)


def check_overrides(cfg: Config, overrides: Iterable[str]) -> None:
    """Every `--cfg-options` key must start at a key of the config (or of the Runner)."""
    known = set(cfg) | RUNNER_KEYS | OTHER_KEYS
    for key in overrides:
        root = key.split('.')[0]
        if root not in known:
            raise ConfigError(
                f'--cfg-options {key}: the config has no {root!r}{_nearest(root, known)}'
            )


def _check(node: object, path: str) -> None:
    """Walk dicts and lists below `path`; check each dict that has a `type` in words."""
    if isinstance(node, (list, tuple)):
        for index, item in enumerate(node):
            _check(item, f'{path}[{index}]')
    elif isinstance(node, dict):
        if isinstance(node.get('type'), str):
            _check_class(node, path)
        for key, value in node.items():
            if key not in FREE:
                _check(value, f'{path}.{key}')


def _check_class(node: dict, path: str) -> None:
    """The class exists and takes the keys given."""
    name = node['type']
    cls = _find(name)
    if cls is None:
        raise ConfigError(f'{path}.type: no class {name!r} is registered{_nearest(name, _names())}')
    known = _arguments(cls)
    for key in node if known is not None else ():
        if key not in known and key not in NOT_ARGUMENTS:
            raise ConfigError(
                f'{path}.{key}: {cls.__name__} has no such key{_nearest(key, known)}'
                f' (it takes {", ".join(sorted(known))})'
            )


def _registries() -> list[Registry]:
    """mmpretrain's registries (which know mlgcn's and mmengine's)."""
    modules = (mmpretrain_registry, mmengine_registry)
    return [r for m in modules for r in vars(m).values() if isinstance(r, Registry)]


def _find(name: str):
    """The class or function registered under `name` in any registry, or None."""
    for registry in _registries():
        found = registry.get(name)
        if found is not None:
            return found
    return None


def _names() -> set[str]:
    """Every registered name, mlgcn's with their scope as configs write them."""
    names = set()
    for registry in _registries():
        names |= set(registry.module_dict)
        for scope, child in registry.children.items():
            names |= {f'{scope}.{name}' for name in child.module_dict}
    return names


def _arguments(cls) -> set[str] | None:
    """Names that `cls(...)` takes, or None where `**kwargs` leave our classes: it takes any."""
    names: set[str] = set()
    owners = inspect.getmro(cls) if inspect.isclass(cls) else [cls]
    for owner in owners:
        function = vars(owner).get('__init__') if inspect.isclass(owner) else owner
        if function is None:
            continue
        parameters = inspect.signature(function).parameters.values()
        kinds = {p.kind for p in parameters}
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            return names - {'self'}
        if not owner.__module__.startswith('mlgcn.'):
            return None  # upstream may hand its **kwargs to anything
    return None


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f'; did you mean {near[0]!r}?' if near else ''
