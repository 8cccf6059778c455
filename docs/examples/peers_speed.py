"""Images per second of processor time, the last column of docs/peers.md's table of sizes.

python docs/examples/peers_speed.py linear_coco_448 csra_coco_448 ...

One thread, float32, random weights, 80 classes, one image at the size of the config's test
pipeline: the fastest of three runs after one for warming up. Rows of one command compare with each
other.
"""

import sys
import time
from pathlib import Path

import torch
from mmengine.config import Config

from mlgcn.engine.config import fit_to_data
from mlgcn.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'


@torch.inference_mode()
def images_per_second(name: str) -> float:
    (path,) = CONFIGS.glob(f'*/{name}.py')
    cfg = Config.fromfile(path)
    fit_to_data(cfg, [f'class {i}' for i in range(80)])
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model).eval()
    # the size is the name's last number, as in all configs of papers
    images = torch.randn(1, 3, *[int(name.split('_')[-1])] * 2)
    seconds = []
    for _ in range(4):
        start = time.process_time()
        model(images, mode='tensor')
        seconds.append(time.process_time() - start)
    return 1 / min(seconds[1:])


def main() -> None:
    torch.set_num_threads(1)
    for name in sys.argv[1:]:
        print(f'| `{name}` | {images_per_second(name):.2f} |', flush=True)


if __name__ == '__main__':
    main()
