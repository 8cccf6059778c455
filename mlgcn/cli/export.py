"""Write a model for use without mlgcn, and verify that the file gives the same answers.

mlgcn export work_dirs/RUN/epoch_50.pth                        (config: in the checkpoint)
mlgcn export gkgnet_coco_576 CKPT --out gkgnet.onnx --dynamic-batch
mlgcn export CKPT --format torch-export --image-size 320 480 --images photos/

The file takes resized RGB images (B, H, W, 3), uint8, and gives logits and probabilities; classes,
thresholds and the resize rule are in its metadata. Beside it a certificate says how nearly it
answers as PyTorch does; a file that does not is refused. See docs/export.md.
"""

import argparse
from pathlib import Path

from mlgcn.apis import load_model
from mlgcn.engine.config import ConfigError
from mlgcn.engine.work_dir import writes_to
from mlgcn.export import export_model
from mlgcn.export.export_model import FORMATS, ExportError, check_target, in_words

from . import options


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    options.add(parser, *options.MODEL, '--force')
    options.add(parser, '--out', help='file to write (CKPT with .onnx or .pt2)')
    add('--format', choices=FORMATS, default='onnx')
    add('--dynamic-batch', action='store_true', help='any number of images at once')
    add('--fp16', action='store_true', help='backbone and neck in float16')
    add('--image-size', nargs=2, type=int, metavar=('H', 'W'), help="(the test pipeline's)")
    add('--images', nargs='+', default=[], help="to compare on (the config's validation images)")
    add('--num-images', type=int, default=16, help='of them (16)')


def main(args: argparse.Namespace) -> None:
    config, checkpoint, _ = options.split_model(args.model)
    if args.num_images < 1 or (args.image_size and min(args.image_size) < 1):
        raise ConfigError('--num-images and --image-size take numbers above 0')
    path = Path(args.out or Path(checkpoint).with_suffix(FORMATS[args.format].suffix))
    check_target(path, args.format)
    options.check_new(path, args.force)
    writes_to(str(path))
    loaded = load_model(config or checkpoint, config and checkpoint, 'cpu', args.cfg_options)
    try:
        certificate = export_model(
            loaded, path, args.format, args.image_size and tuple(args.image_size),
            args.dynamic_batch, args.fp16, args.images, args.num_images,
        )  # fmt: skip
    except ExportError as error:
        raise SystemExit(f'error: {error}') from error
    print(f'{path}: {in_words(certificate)}')
