"""Configs by their names."""

from pathlib import Path

import mlgcn
from mlgcn.engine.config_check import ConfigError
from mlgcn.messages import nearest

PACKAGE = Path(mlgcn.__file__).parent
# an installed mlgcn holds a copy; in a checkout they lie beside the package
CONFIGS = next(p for p in (PACKAGE / 'configs', PACKAGE.parent / 'configs') if p.is_dir())


def find_config(config: str | Path) -> Path:
    """The file `config`, or the shipped config of that name (or path, from another folder).

    Raises:
        ConfigError: there is none; it names the nearest.
    """
    path = Path(config)
    if path.is_file():
        if path.suffix not in ('.py', '.json', '.yaml', '.yml'):
            hint = 'CONFIG comes before CKPT'
            if path.suffix in ('.csv', '.tsv', '.txt', '.xml'):
                hint = f'own photographs are named by --cfg-options own.train={config} own.val=...'
            raise ConfigError(f'{config}: not a config (.py); {hint}')
        return path
    names = {file.stem: file for file in sorted(CONFIGS.glob('*/*.py'))}
    found = names.get(path.stem)
    if found and str(path) in (found.stem, f'configs/{found.relative_to(CONFIGS)}'):
        return found
    hint = nearest(path.stem, names, parts=True)
    raise ConfigError(f'{config}: no such config file, and no shipped config has that name{hint}')


def is_config(word: str) -> bool:
    """Whether a word of a command line means a config: checkpoints are files with an ending."""
    return word.endswith('.py') or not (Path(word).exists() or Path(word).suffix)
