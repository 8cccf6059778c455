"""List the shipped models with their published results, or explain one of them."""

import argparse
from pathlib import Path

import yaml
from mmengine.config import Config
from rich.console import Console
from rich.table import Column, Table

from mlgcn.apis.shipped_configs import CONFIGS, find_config
from mlgcn.checkpoints.metadata import input_size
from mlgcn.engine.config_check import ConfigError
from mlgcn.messages import nearest


def main(args: argparse.Namespace) -> None:
    models = read_models()
    console = Console(width=None if Console().is_terminal else 140)
    if args.name is None:
        console.print(table(models))
        console.print(
            'mAP in %, published by the authors, measured with their code. mlgcn models NAME: '
            'where the weights are, and the commands.',
            highlight=False,
        )
        return
    name = Path(args.name).stem
    if name not in models:
        hint = nearest(name, models, parts=True) or f'; expected one of {", ".join(models)}'
        raise ConfigError(f'{args.name}: not among the models with published results{hint}')
    for key, value in explain(name, models[name]).items():
        console.print(f'{key:23} {value}', highlight=False, markup=False, soft_wrap=True)


def read_models() -> dict[str, dict]:
    """Models of all configs/*/metafile.yml by name; `collection` holds the entry of its system."""
    models = {}
    for file in sorted(CONFIGS.glob('*/metafile.yml')):
        content = yaml.safe_load(file.read_text(encoding='utf-8'))
        systems = {system['Name']: system for system in content['Collections']}
        for model in content['Models']:
            models[model['Name']] = {**model, 'collection': systems[model['In Collection']]}
    return models


def table(models: dict[str, dict]) -> Table:
    """One row for each model."""
    others = ('backbone', 'input', 'data', 'mAP', 'protocol', 'licence of the weights')
    rows = Table(Column('name', no_wrap=True), *others)
    for name, model in models.items():
        cfg = Config.fromfile(find_config(name))
        rows.add_row(
            name, backbone(cfg), 'x'.join(map(str, input_size(cfg))),
            model['Metadata']['Training Data'], mean_ap(model), protocol(cfg),
            model['collection']['Metadata']['Licence'],
        )  # fmt: skip
    return rows


def explain(name: str, model: dict) -> dict[str, object]:
    """What the metafile and the config of one model say, and the commands to use it."""
    path, system = find_config(name), model['collection']
    cfg = Config.fromfile(path)
    result = model['Results'][0]
    weights = model.get('Weights')
    lines = {
        'name': name,
        'system': f'{system["Name"]}: {system["Paper"]["Title"]}, {system["Paper"]["URL"]}',
        'config': path,
        'backbone': backbone(cfg),
        'input': ' x '.join(map(str, input_size(cfg))),
        'trained on': model['Metadata']['Training Data'],
        'mAP': f'{mean_ap(model)} % ({result["Origin"]}; {result["Source"]})',
        'protocol': protocol(cfg),
        'licence of the weights': system['Metadata']['Licence'],
        'weights': weights or 'none released',
        'train': f'mlgcn train {name}',
    }
    if 'Note' in model['Metadata']:
        lines['note'] = model['Metadata']['Note']
    if weights:
        lines['test'] = f'mlgcn test {name} FILE --metrics mAP'
        lines['predict'] = f'mlgcn predict {name} FILE PHOTOS'
    return lines


def backbone(cfg: Config) -> str:
    """The backbone's type and size, e.g. `ResNet 101`; timm's by their own names."""
    settings = cfg.model.backbone
    if settings.type == 'mlgcn.TIMMBackbone':
        layers = settings.get('layers')  # ML-Decoder's XL is timm's L with more of them
        return f'{settings.model_name} {layers}' if layers else settings.model_name
    size = settings.get('depth') or settings.get('arch')
    return f'{settings.type.removeprefix("mlgcn.")} {size}'


def mean_ap(model: dict) -> str:
    return f'{model["Results"][0]["Metrics"]["mAP"]:.4g}'


def protocol(cfg: Config) -> str:
    """The rules under which `mlgcn test` scores this config."""
    return cfg.test_evaluator.get('protocol', 'addgcn')
