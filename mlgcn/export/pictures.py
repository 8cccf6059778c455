"""Photographs to compare an exported file with PyTorch on."""

from collections.abc import Sequence
from pathlib import Path

from mlgcn.apis import LoadedModel
from mlgcn.apis.image_list import list_images
from mlgcn.datasets.scenes import draw_one
from mlgcn.engine.fit_to_data import build_dataset

SCENE_SIZE = (640, 480)


def pictures(
    loaded: LoadedModel, asked: Sequence[str], count: int, scratch: Path
) -> tuple[list[str], str]:
    """Paths of `count` images (fewer if there are no more), and in words where they come from.

    Those asked for (files, folders, globs), or the config's validation images, or else pictures
    of the built-in scenes, drawn into the folder `scratch`. Taken at even distances of the list.
    """
    if asked:
        return _spread([image.path for image in list_images(asked)], count), ' '.join(asked)
    reason = 'no config was given'
    if loaded.cfg.test_dataloader.dataset.get('type'):
        try:
            paths = _listed(loaded)
            return _spread(paths, count), "the config's test_dataloader"
        except OSError as error:
            reason = f"the config's data: {str(error).split('. ')[0]}"
    (scratch / 'val').mkdir()
    for index in range(count):
        draw_one(index, 0, 'val', SCENE_SIZE, scratch)
    drawn = sorted(map(str, (scratch / 'val').iterdir()))
    return drawn, f'generated scenes, no photographs ({reason}; --images names others)'


def _listed(loaded: LoadedModel) -> list[str]:
    dataset = loaded.cfg.test_dataloader.dataset
    if str(dataset.type).startswith('mlgcn.'):
        dataset.check_images = False  # of thousands a few are used
    built = build_dataset(loaded.cfg, 'test_dataloader', loaded.classes)
    return [built.get_data_info(index)['img_path'] for index in range(len(built))]


def _spread(items: list[str], count: int) -> list[str]:
    count = min(count, len(items))
    return [items[index * len(items) // count] for index in range(count)]
