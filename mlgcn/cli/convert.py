"""Convert published weights to mlgcn's names, or ours to those of the published code."""

import argparse
import json
from pathlib import Path

from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from mlgcn.atomic_files import refuse_existing, write_atomically
from mlgcn.checkpoints import Checkpoint, CheckpointError, about, convert, load, to_published
from mlgcn.checkpoints.metadata import make_metadata, save_checkpoint, save_weights
from mlgcn.checkpoints.published_lists import read_published_list
from mlgcn.checkpoints.sources import SOURCES, implied_classes, num_classes
from mlgcn.checkpoints.tables import HEADS, SYSTEMS
from mlgcn.models.layers.tokens import read_vectors

# where published files hold their weights, other than under 'state_dict'
WRAPPERS = dict(csra=None, asl='model', ml_decoder='model')
# torchvision lists COCO's names by category id; the unused ids are called N/A
COCO_NAMES = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
CATEGORIES = [{'id': i, 'name': name} for i, name in enumerate(COCO_NAMES) if i and name != 'N/A']


def main(args: argparse.Namespace) -> None:
    refuse_existing(args.target, args.force)
    if Path(args.source).suffix == '.data':
        convert_list(args.source, args.target)
        return
    checkpoint = load(args.source, published_names=True)
    checkpoint.check_finite()
    with about(args.source):
        if args.to:
            write_published(args.target, args.to, checkpoint)
        else:
            write_ours(args.target, args.kind, checkpoint, args.embeddings)


def write_ours(target: str, kind: str, checkpoint: Checkpoint, embeddings: str | None) -> None:
    weights, source = checkpoint.weights, checkpoint.source if kind == 'auto' else kind
    if source not in (*SYSTEMS, *HEADS):
        held = f'it holds {list(weights)[:3]}'
        raise CheckpointError(f'{SOURCES[source].kind}: nothing to convert ({held})')
    ours = convert(weights, source)
    if (source == 'ml_gcn') != (embeddings is not None):
        raise CheckpointError('--embeddings goes with published ML-GCN weights, which lack them')
    if embeddings is not None:
        ours['head.embeddings'] = read_vectors(embeddings, len(weights['A']))
    number = num_classes(source, weights)
    classes = checkpoint.stated_classes or (number and implied_classes(source, number))
    metadata = make_metadata(ours, classes, SOURCES[source].licence, source=source)
    save_weights(target, ours, metadata, force=True)  # main has looked
    print(
        f'{target}: {SOURCES[source].kind}; {len(ours)} entries converted, '
        f'{max(len(weights) - len(ours), 0)} left out on purpose. {SOURCES[source].licence}'
    )


def write_published(target: str, name: str, checkpoint: Checkpoint) -> None:
    if Path(target).suffix != '.pth':
        raise CheckpointError(f'{target}: expected a name that ends in .pth')
    published, more = to_published(checkpoint.weights, name), {}
    if name == 'addgcn':  # the published loader asks for these keys
        scores = (checkpoint.metadata.get('metrics') or {}).get('values', {})
        epoch, score = checkpoint.content.get('meta', {}).get('epoch', 0), scores.get('mAP', 0.0)
        more = dict(epoch=epoch, model_name='ADD_GCN', best_score=score / 100)
    elif name == 'gkgnet':
        more = dict(meta={})
    elif name in ('asl', 'ml_decoder'):
        names = dict(enumerate(checkpoint.classes or ()))
        more = dict(num_classes=checkpoint.num_rows, idx_to_class=names)
    wrapper = WRAPPERS.get(name, 'state_dict')
    save_checkpoint({wrapper: published, **more} if wrapper else published, target)
    print(f'{target}: {len(published)} entries for the published {name}')


def convert_list(source: str, target: str) -> None:
    names, labels = read_published_list(source, len(CATEGORIES))
    content = {
        'images': [{'id': i, 'file_name': name} for i, name in enumerate(names)],
        'annotations': [
            {'id': n, 'image_id': int(image), 'category_id': CATEGORIES[label]['id']}
            for n, (image, label) in enumerate(zip(*labels.nonzero()), start=1)
        ],
        'categories': CATEGORIES,
    }
    write_atomically(target, json.dumps(content))
    print(
        f'{target}: {len(names)} images, {len(content["annotations"])} labels. '
        "Next: give it to a CocoMultiLabel data set as its `ann_file`, with class_order='id' and "
        'the folder of the images as `data_prefix`.'
    )
