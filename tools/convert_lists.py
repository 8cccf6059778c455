"""Converts one of GKGNet's published annotation lists to a COCO json that `CocoMultiLabel` reads.

    python tools/convert_lists.py train.data data/coco/annotations/gkgnet_train.json

The list is a pickle; nothing in it is executed (see mlgcn/datasets/published_lists.py). The json
holds the images' labels, but no boxes.
"""

import argparse
import json
import sys
from pathlib import Path

from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from mlgcn.datasets.published_lists import read_published_list

# torchvision lists COCO's names by category id; the unused ids are called N/A
NAMES = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
CATEGORIES = [{'id': i, 'name': name} for i, name in enumerate(NAMES) if i and name != 'N/A']


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', metavar='SRC.data', help='train.data or val_test.data')
    parser.add_argument('target', metavar='DST.json', type=Path, help='file to write')
    args = parser.parse_args()
    try:
        if args.target.exists():
            raise FileExistsError(f'{args.target} exists already; delete it or choose another name')
        names, labels = read_published_list(args.source, len(CATEGORIES))
        content = {
            'images': [{'id': i, 'file_name': name} for i, name in enumerate(names)],
            'annotations': [
                {'id': n, 'image_id': int(image), 'category_id': CATEGORIES[label]['id']}
                for n, (image, label) in enumerate(zip(*labels.nonzero()), start=1)
            ],
            'categories': CATEGORIES,
        }
        args.target.write_text(json.dumps(content))
    except (OSError, ValueError) as error:
        sys.exit(f'convert_lists.py: {error}')
    print(
        f'{args.target}: {len(names)} images, {len(content["annotations"])} labels. '
        "Next: give it to a CocoMultiLabel data set as its `ann_file`, with class_order='id' and "
        'the folder of the images as `data_prefix`.'
    )


if __name__ == '__main__':
    main()
