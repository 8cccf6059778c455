"""Parameters and multiply-adds of models, as a Markdown table.

mlgcn stats configs/gkgnet/*.py addgcn_coco_448

One image at the size of the test pipeline. Multiply-adds count once, as in the papers' "FLOPs":
convolutions, linear layers, batch norms, and the products behind ADD-GCN's graphs and GKGNet's
distances. That makes 40.1 G of GKGNet-s at 576 (the paper's figure; 27 % of it are distances).
"""

import argparse

import torch
from mmengine.analysis import FlopAnalyzer
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from mlgcn.apis.shipped_configs import find_config
from mlgcn.ops import knn

CLASSES = {'mlgcn.VOCMultiLabel': 20}  # the others: --num-classes


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('configs', nargs='+', help='config files or names of shipped ones')
    parser.add_argument(
        '--num-classes', type=int, default=80, help='where the data decide (default: %(default)s)'
    )


def main(args: argparse.Namespace) -> None:
    knn.CPU_CHUNK = knn.CHUNK  # fewer pieces to trace
    print('| config | classes | input | parameters (M) | multiply-adds (G) |')
    print('| --- | --- | --- | --- | --- |')
    for path in map(find_config, args.configs):
        cfg = Config.fromfile(path)
        init_default_scope(cfg.get('default_scope', 'mmpretrain'))
        num_classes = CLASSES.get(cfg.test_dataloader.dataset.type, args.num_classes)
        width, height = input_size(cfg)
        parameters, macs = count(build(cfg, num_classes), height, width)
        print(
            f'| {path.stem} | {num_classes} | {height} x {width} | {parameters / 1e6:.2f} | '
            f'{macs / 1e9:.2f} |',
            flush=True,
        )


def build(cfg: Config, num_classes: int) -> torch.nn.Module:
    """The config's model without its pretrained weights."""
    for part in ('neck', 'head'):
        if cfg.model.get(part) and 'num_classes' in cfg.model[part]:
            cfg.model[part].num_classes = num_classes
    return MODELS.build(cfg.model).eval()


def input_size(cfg: Config) -> tuple[int, int]:
    """(width, height) that the test pipeline resizes to."""
    for transform in reversed(cfg.test_dataloader.dataset.pipeline):
        size = transform.get('crop_size') or transform.get('scale')
        if size:
            return (size, size) if isinstance(size, int) else tuple(size)
    raise ValueError(
        f'{cfg.filename}: the test pipeline has no transform with a scale or crop_size'
    )


def count(model: torch.nn.Module, height: int, width: int) -> tuple[int, int]:
    """Numbers of trained parameters, and of multiply-adds for one image."""
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    image = torch.zeros(1, 3, height, width)
    with torch.no_grad():
        model(image)  # tables that are computed once do not count
        counter = FlopAnalyzer(model, (image,))
        counter.set_op_handle('aten::baddbmm', batched_product)
        counter.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return parameters, counter.tracer_warnings('none').total()


def batched_product(inputs: list, outputs: list) -> int:
    """Multiply-adds of baddbmm(_, (P, N, c), (P, c, M))."""
    pairs, num_nodes, channels = inputs[1].type().sizes()
    return pairs * num_nodes * channels * inputs[2].type().sizes()[2]
