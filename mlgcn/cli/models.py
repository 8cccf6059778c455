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
    console = Console(width=None if Console().is_terminal else 140, highlight=False)
    if args.name is None:
        rows = {name: facts(name, model) for name, model in models.items()}
        table = Table(Column('name', no_wrap=True), *next(iter(rows.values())))
        for name, cells in rows.items():
            table.add_row(name, *cells.values())
        console.print(table)
        console.print(
            'mAP in %, published by the authors, measured with their code. mlgcn models NAME: '
            'where the weights are, and the commands.'
        )
        return
    name = Path(args.name).stem
    if name not in models:
        hint = nearest(name, models, parts=True) or f'; expected one of {", ".join(models)}'
        raise ConfigError(f'{args.name}: not among the models with published results{hint}')
    for key, value in explain(name, models[name]).items():
        console.print(f'{key:23} {value}', markup=False, soft_wrap=True)


def read_models() -> dict[str, dict]:
    """Models of all configs/*/metafile.yml by name; `collection` holds the entry of its system."""
    models = {}
    for file in sorted(CONFIGS.glob('*/metafile.yml')):
        content = yaml.safe_load(file.read_text(encoding='utf-8'))
        systems = {system['Name']: system for system in content['Collections']}
        for model in content['Models']:
            models[model['Name']] = {**model, 'collection': systems[model['In Collection']]}
    return models


def facts(name: str, model: dict) -> dict[str, str]:
    """What the metafile and the config of one model say, as columns of the table."""
    cfg = Config.fromfile(find_config(name))
    return {
        'backbone': backbone(cfg),
        'input': 'x'.join(map(str, input_size(cfg))),
        'data': model['Metadata']['Training Data'],
        'mAP': f'{model["Results"][0]["Metrics"]["mAP"]:.4g}',
        'protocol': cfg.test_evaluator.get('protocol', 'addgcn'),
        'licence of the weights': model['collection']['Metadata']['Licence'],
    }


def explain(name: str, model: dict) -> dict[str, object]:
    """The same, where it is from, and the commands to use the model."""
    system, result, weights = model['collection'], model['Results'][0], model.get('Weights')
    lines = {
        'name': name,
        'system': f'{system["Name"]}: {system["Paper"]["Title"]}, {system["Paper"]["URL"]}',
        'config': find_config(name),
        **facts(name, model),
        'weights': weights or 'none released',
        'train': f'mlgcn train {name}',
    }
    lines['mAP'] += f' % ({result["Origin"]}; {result["Source"]})'
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
