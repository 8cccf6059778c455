"""Derives mlgcn/datasets/scenes_cooccurrence.json from COCO 2014's annotations.

    python tools/derive_cooccurrence.py annotations/instances_train2014.json

The table holds the distinct label sets of the training images, cut down to the classes that
`mlgcn.datasets.scenes` can draw, each with the number of images that have it. Run it again only
when a class is added to the drawings; the table is part of the package.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

from pycocotools.coco import COCO

from mlgcn.datasets.scene_drawings import DRAWINGS
from mlgcn.datasets.scenes import TABLE

CREDIT = (
    'Distinct image-level label sets of the COCO 2014 training annotations, cut down to these '
    'classes. COCO annotations (c) COCO Consortium, https://cocodataset.org, CC BY 4.0; '
    'derived by tools/derive_cooccurrence.py.'
)
LABELS = range(2, 7)  # sizes of the label sets that are kept
MIN_IMAGES = 5  # label sets with fewer images are left out


def label_sets(coco: COCO, classes: dict[str, int]) -> Counter:
    """Number of images per set of class ids; images without any of the classes are left out."""
    wanted = set(classes.values())
    sets: Counter = Counter()
    for anns in coco.imgToAnns.values():
        sets[tuple(sorted({ann['category_id'] for ann in anns} & wanted))] += 1
    del sets[()]
    return sets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('instances', help="COCO 2014's instances_train2014.json")
    parser.add_argument('--out', default=TABLE, type=Path, help='default: the table in the package')
    args = parser.parse_args()

    coco = COCO(args.instances)
    ids = {cat['name']: cat['id'] for cat in coco.dataset['categories']}
    classes = dict(sorted(((name, ids[name]) for name in DRAWINGS), key=lambda pair: pair[1]))
    rows = [
        json.dumps([count, labels])
        for labels, count in sorted(
            label_sets(coco, classes).items(), key=lambda row: (-row[1], row[0])
        )
        if len(labels) in LABELS and count >= MIN_IMAGES
    ]
    head = json.dumps({'credit': CREDIT, 'classes': classes}, indent=1)[:-2]
    args.out.write_text(head + ',\n "sets": [\n' + ',\n'.join(rows) + '\n]}\n')
    print(f'{args.out}: {len(rows)} label sets of {len(classes)} classes')


if __name__ == '__main__':
    main()
