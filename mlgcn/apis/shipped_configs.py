"""Configs by their names."""

from pathlib import Path

import mlgcn
from mlgcn.engine.config_check import ConfigError

CONFIGS = Path(mlgcn.__file__).parent.parent / 'configs'


def find_config(config: str | Path) -> Path:
    """The file `config`, or the shipped config of that name; ConfigError where there is none."""
    if Path(config).is_file():
        return Path(config)
    found = [file for file in sorted(CONFIGS.glob('*/*.py')) if file.stem == str(config)]
    if not found:
        raise ConfigError(f'{config}: no such config file, and no shipped config has that name')
    return found[0]


def is_config(word: str) -> bool:
    """Whether a word of a command line means a config: it ends in .py, or is a shipped one's."""
    if word.endswith('.py'):
        return True
    return not Path(word).exists() and any(file.stem == word for file in CONFIGS.glob('*/*.py'))
