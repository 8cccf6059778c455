"""Write a model for use without mlgcn, and verify that the file gives the same answers."""

import argparse
from pathlib import Path

from mlgcn.engine.config import ConfigError
from mlgcn.engine.work_dir import writes_to
from mlgcn.export import export_model
from mlgcn.export.export_model import (
    FORMATS,
    ExportError,
    certificate_of,
    check_target,
    in_words,
)

from . import arguments


def main(args: argparse.Namespace) -> None:
    config, checkpoint, _ = arguments.split_model(args.model)
    if args.num_images < 1 or (args.image_size and min(args.image_size) < 1):
        raise ConfigError('--num-images and --image-size take numbers above 0')
    path = Path(args.out or Path(checkpoint).with_suffix(FORMATS[args.format].suffix))
    check_target(path, args.format)
    for target in (path, certificate_of(path)):
        arguments.check_new(target, args.force)
    writes_to(str(path))
    loaded = arguments.load_model(args, config, checkpoint)
    try:
        certificate = export_model(
            loaded, path, args.format, args.image_size and tuple(args.image_size),
            args.dynamic_batch, args.fp16, args.images, args.num_images,
        )  # fmt: skip
    except ExportError as error:
        raise SystemExit(f'error: {error}') from error
    print(f'{path}: {in_words(certificate)}')
