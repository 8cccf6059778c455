"""Values of the command line and the environment enter a config as they were written."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config, DictAction

SPACE = '\x1f'
# keys of names and paths, which hold text although a config may leave them None or out
TEXT_KEYS = {
    *('ann_file', 'data_root', 'data_prefix', 'img_path', 'work_dir', 'load_from', 'checkpoint'),
    *('split', 'images', 'separator'),
}


@contextmanager
def escaped(name: str) -> Iterator[None]:
    """An environment variable as mmengine can put it into a config's source text."""
    value = os.environ.get(name)
    if value is not None:
        quoted = re.sub(r'([\\\'"])', r'\\\1', value)  # it becomes part of a Python string,
        quoted = quoted.replace('\\', r'\\')  # and before that a template of `re.sub`
        os.environ[name] = quoted.replace('\n', r'\\n')
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


class Text(str):
    """A value as the shell has it. Values of Python's callers are not of this type."""


def resolve(cfg: Config, options: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `options`: text stays text where the config's key holds text or names a file.

    Elsewhere it is a number, None, True, False, a list or a tuple, as mmengine's `DictAction` reads
    it, but with the spaces inside.

    Raises:
        ValueError: brackets do not match, or a whole section.
    """
    values = dict(options)
    for key, value in options.items():
        if isinstance(value, Text):
            values[key] = str(value) if _holds_text(cfg, key) else _parse(key, value)
    return values


def descend(cfg: Mapping, path: str) -> tuple[Any, list[str]]:
    """The deepest value that a dotted path reaches, and the names of the path that lead nowhere."""
    node, names = dict(cfg), path.split('.')  # a Config is no Mapping
    for depth, name in enumerate(names):
        if isinstance(node, (list, tuple)) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, Mapping) and name in node:
            node = node[name]
        else:
            return node, names[depth:]
    return node, []


def _holds_text(cfg: Config, key: str) -> bool:
    value, missing = descend(cfg, key)
    first, *_, last = 2 * key.split('.')
    if not missing and isinstance(value, (int, float)):  # own.size
        return False
    return (isinstance(value, str) and not missing) or first == 'own' or last in TEXT_KEYS


def _parse(key: str, text: str) -> Any:
    if re.match(r'\s*(\{|dict\()', text):
        raise ValueError(f'--cfg-options {key}={text}: expected its keys one by one: {key}.KEY=...')
    if re.match(r'\s*[\[(].*(\{|dict\()', text, re.DOTALL):  # upstream recurses without an end
        told = f'a list of sections; write it into a config file, or set {key}.0.KEY=...'
        raise ValueError(f'--cfg-options {key}={text}: {told}')
    try:
        # DictAction removes spaces; a control character keeps their places
        return _spaced(DictAction._parse_iterable(text.replace(' ', SPACE)))
    except AssertionError:
        raise ValueError(f'--cfg-options {key}={text}: brackets do not match') from None


def _spaced(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_spaced, value))
    if not isinstance(value, str):
        return value
    return DictAction._parse_int_float_bool(value.replace(SPACE, ' ').strip().strip('\'"'))
