"""Parameters and multiply-adds of models, as a Markdown table."""

import argparse
import os

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from mlgcn.apis.shipped_configs import find_config
from mlgcn.checkpoints.metadata import input_size

# What torch makes of a BatchNorm in inference, by version; its own table does not have them.
BATCH_NORMS = ('native_batch_norm', '_native_batch_norm_legit_no_training')
CLASSES = {'mlgcn.VOCMultiLabel': 20}  # the others: --num-classes


def main(args: argparse.Namespace) -> None:
    os.environ['MLGCN_COMPILE'] = '0'  # torch counts its own operators only
    paths = [find_config(config) for config in args.configs]
    print('| config | classes | input | parameters (M) | multiply-adds (G) |')
    print('| --- | --- | --- | --- | --- |')
    for path in paths:
        cfg = Config.fromfile(path)
        init_default_scope(cfg.get('default_scope', 'mmpretrain'))
        num_classes = CLASSES.get(cfg.test_dataloader.dataset.type, args.num_classes)
        for part in ('neck', 'head'):
            if cfg.model.get(part) and 'num_classes' in cfg.model[part]:
                cfg.model[part].num_classes = num_classes
        size = input_size(cfg)
        if size is None:
            raise ValueError(f'{path}: the test pipeline has no transform with scale or crop_size')
        parameters, macs = count(MODELS.build(cfg.model).eval(), *size)
        print(
            f'| {path.stem} | {num_classes} | {size[0]} x {size[1]} | {parameters / 1e6:.2f} | '
            f'{macs / 1e9:.2f} |',
            flush=True,
        )


def count(model: torch.nn.Module, height: int, width: int) -> tuple[int, int]:
    """Numbers of trained parameters, and of multiply-adds for one image."""
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    model.requires_grad_(False)  # torch's counter wants a gradient of everything that has one
    image = torch.zeros(1, 3, height, width)
    aten = torch.ops.aten
    counts = dict.fromkeys([getattr(aten, name) for name in BATCH_NORMS], batch_norm_flops)
    # torch counts attention of GPUs only; queries times keys, and weights times values
    counts[aten._scaled_dot_product_flash_attention_for_cpu] = lambda query, key, value, *_, **__: (
        sdpa_flop_count(query, key, value)
    )
    with torch.no_grad():
        model(image)  # tables that are computed once do not count
        with FlopCounterMode(display=False, custom_mapping=counts) as counter:
            model(image)
    return parameters, counter.get_total_flops() // 2


def batch_norm_flops(shape: torch.Size, *args: object, **kwargs: object) -> int:
    """A multiplication by the scale and an addition of the shift, each counted as two."""
    return 4 * shape.numel()
