"""Run a frozen backbone once over all images, and go on where that was stopped."""

import copy
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mlgcn.atomic_files import write_atomically
from mlgcn.models.fuse import fuse
from mlgcn.progress import Bar

from .store import (
    VIEWS,
    FeatureError,
    digest_of,
    first_difference,
    images_done,
    read_contents,
    source_of,
    stage_names,
    state_of,
    write_done,
)

BATCHES = 16  # between two records of what is done


class Pictures(Dataset):
    """Images through the test pipeline."""

    def __init__(self, paths: Sequence[str], pipeline: Sequence[dict]):
        self.paths, self.pipeline = paths, Compose(list(pipeline))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict:
        return self.pipeline(dict(img_path=self.paths[index], sample_idx=index))


@torch.inference_mode()
def extract_features(
    cfg: Config, paths: Sequence[str], folder: str | Path, batch_size: int = 4
) -> int:
    """Write the features of the images at `paths` into `folder`; the number computed now.

    Features that are there already are kept: those of a killed run are continued.

    Args:
        cfg: with a model, its backbone's weights in `init_cfg`, and a test pipeline that gives
            images of one size. The backbone is taken as frozen.
        paths: each image once.
        folder: made where it is not there.
        batch_size: images at a time, each in all views. (Larger ones are slower on CPUs: the
            memory of activations then goes back to the system after every layer.)

    Raises:
        FeatureError: the folder has features of something else; a backbone without maps.
    """
    folder = Path(folder)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    backbone = MODELS.build(cfg.model.backbone)
    backbone.init_weights()
    backbone.eval()
    backbone.to(memory_format=torch.channels_last)  # on CPUs a third of the time
    preprocessor = MODELS.build({'type': 'ClsDataPreprocessor', **(cfg.data_preprocessor or {})})
    pictures = Pictures(paths, cfg.test_dataloader.dataset.pipeline)
    first = stages_in_views(backbone, preprocessor, [pictures[0]])
    names = stage_names(cfg, backbone)
    if len(names) != len(first):
        seen = f'the backbone gives {len(first)} maps, expected {len(names)}'
        raise FeatureError(f'{seen}; name them in model.backbone.out_indices')
    contents = dict(
        source=source_of(cfg, backbone),
        stages={name: list(m.shape[2:]) for name, m in zip(names, first)},
        images=[[*state_of(path), digest_of(path)] for path in paths],
    )
    done = begin(folder, json.loads(json.dumps(contents)))
    backbone = faster(backbone, preprocessor, pictures[0], first)
    parts = [range(i, min(i + batch_size, len(paths))) for i in range(done, len(paths), batch_size)]
    workers = cfg.test_dataloader.get('num_workers', 0)
    loader = DataLoader(pictures, batch_sampler=parts, num_workers=workers, collate_fn=list)
    with closing(Bar('features of images', len(paths), done)) as bar:
        for count, (packed, part) in enumerate(zip(loader, parts), 1):
            maps = stages_in_views(backbone, preprocessor, packed)
            for name, m in zip(names, maps):
                write_rows(folder / f'{name}.npy', part.start, m.to(torch.float16).numpy())
            if count % BATCHES == 0 or count == len(parts):
                write_done(folder, part.stop)
            bar.reach(part.stop)
    return len(paths) - done


def faster(
    backbone: nn.Module, preprocessor: nn.Module, packed: dict, maps: Sequence[Tensor]
) -> nn.Module:
    """The backbone with its batch norms folded, where that gives the same maps of one image."""
    try:
        fused = fuse(copy.deepcopy(backbone))
        found = stages_in_views(fused, preprocessor, [packed])
    except ValueError:  # norms that cannot be folded
        return backbone
    # far below the rounding to float16
    same = all((a - b).abs().max() <= 1e-4 * b.std() for a, b in zip(found, maps))
    return fused if same else backbone


def stages_in_views(
    backbone: nn.Module, preprocessor: nn.Module, packed: Sequence[dict]
) -> list[Tensor]:
    """The maps (B, V, H, W, C) of every stage for B packed images, in all views."""
    images = preprocessor(pseudo_collate(list(packed)), False)['inputs']
    images = images.contiguous(memory_format=torch.channels_last)
    plain, mirror = backbone(images), backbone(images.flip(3))
    shapes = [tuple(m.shape[1:]) for m in plain]
    if any(len(shape) != 3 for shape in shapes):
        raise FeatureError(f'the backbone gives {shapes}, expected maps (C, H, W)')
    return [torch.stack(pair, dim=1).movedim(2, -1) for pair in zip(plain, mirror)]


def begin(folder: Path, contents: dict[str, Any]) -> int:
    """Prepare the folder, or compare it with what is to be written; images done already."""
    if (folder / 'features.json').exists():
        found = read_contents(folder)
        difference = first_difference(found['source'], contents['source'])
        if not difference and found['stages'] != contents['stages']:
            difference = f'stages {found["stages"]}, expected {contents["stages"]}'
        digests = [[image[-1] for image in each['images']] for each in (found, contents)]
        if not difference and digests[0] != digests[1]:
            difference = f'{len(found["images"])} other images, expected {len(contents["images"])}'
        if difference:
            advice = 'give another --out, or --force'
            raise FeatureError(f'{folder}: has other features: {difference}; {advice}')
        return images_done(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'done').unlink(missing_ok=True)
    for name, shape in contents['stages'].items():
        whole = (len(contents['images']), len(VIEWS), *shape)
        with open(folder / f'{name}.npy', 'wb') as file:
            header = dict(descr='<f2', fortran_order=False, shape=whole)
            np.lib.format.write_array_header_1_0(file, header)
            file.truncate(file.tell() + 2 * int(np.prod(whole)))
    write_atomically(folder / 'features.json', json.dumps(contents))
    return 0


def write_rows(path: Path, start: int, rows: np.ndarray) -> None:
    """Put rows into a .npy file of more of them.

    Written, not memory-mapped: on a full disk a map would end the process by SIGBUS.
    """
    with open(path, 'r+b') as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        file.seek(start * rows[0].nbytes, 1)
        file.write(np.ascontiguousarray(rows).tobytes())
