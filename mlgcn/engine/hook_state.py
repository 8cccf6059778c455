"""What hooks remember while they train: kept in checkpoints, or named where it is not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.hooks import EarlyStoppingHook, Hook

# Attributes that upstream's hooks change and do not save. A hook of your own lists its attributes
# in `resumed`, or has `state_dict` and `load_state_dict`.
ATTRIBUTES = {EarlyStoppingHook: ('wait_count', 'best_score')}
STATELESS = ('mmengine.', 'mlgcn.')  # packages whose other hooks start anew without harm
PLAIN = (bool, int, float, str, type(None), list, tuple, dict, set)


def hook_states(hooks: Sequence[Hook]) -> dict[str, dict[str, Any]]:
    """The state of each hook that has one, by its class's name (and number, from the second on)."""
    states = {}
    for name, hook in _named(hooks):
        if hasattr(hook, 'state_dict'):
            states[name] = hook.state_dict()
        elif attributes := _attributes(hook):
            values = ((key, getattr(hook, key)) for key in attributes)
            # a checkpoint holds plain values alone, and scores may be numpy's
            states[name] = {k: v.item() if hasattr(v, 'item') else v for k, v in values}
    return states


def set_hook_states(hooks: Sequence[Hook], states: Mapping[str, dict[str, Any]]) -> list[str]:
    """Give hooks what :func:`hook_states` returned; the names of those that start anew."""
    missing = []
    for name, hook in _named(hooks):
        if name not in states:
            if hasattr(hook, 'state_dict') or _attributes(hook):
                missing.append(name)
        elif hasattr(hook, 'load_state_dict'):
            hook.load_state_dict(states[name])
        else:
            vars(hook).update(states[name])
    return missing


def plain_attributes(hooks: Sequence[Hook]) -> dict[str, str]:
    """The values of simple attributes of hooks whose state no checkpoint holds."""
    return {
        f'{name}.{key}': repr(value)
        for name, hook in _named(hooks)
        if not type(hook).__module__.startswith(STATELESS) and not hasattr(hook, 'state_dict')
        for key, value in vars(hook).items()
        if isinstance(value, PLAIN) and key not in _attributes(hook)
    }


def _attributes(hook: Hook) -> tuple[str, ...]:
    known = [names for cls, names in ATTRIBUTES.items() if isinstance(hook, cls)]
    return (*getattr(hook, 'resumed', ()), *(name for names in known for name in names))


def _named(hooks: Sequence[Hook]) -> Iterator[tuple[str, Hook]]:
    names = [type(hook).__name__ for hook in hooks]
    for i, (name, hook) in enumerate(zip(names, hooks)):
        number = names[: i + 1].count(name)
        yield (name if number == 1 else f'{name} {number}'), hook
