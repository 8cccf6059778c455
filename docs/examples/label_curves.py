"""Curves of losses over the share of labels that are known, on the built-in scenes.

python docs/examples/label_curves.py OUT WEIGHTS      (WEIGHTS: checkpoint/README.md, lite0)

Draws 1,200 training and 600 test scenes, stores the features of a frozen EfficientNet-Lite0, hides
training labels by the published rules, and trains a linear layer with every loss and three seeds
(40 epochs of Adam, the last epoch counts, nothing is chosen by test scores). Test labels are
complete. OUT gets label_curves.json, .md and .png.
"""

import json
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from mmengine.logging import MessageHub

import mlgcn
from mlgcn.atomic_files import write_atomically
from mlgcn.cli import execute
from mlgcn.datasets import own_photos
from mlgcn.datasets.hidden_labels import RULES, hide_labels
from mlgcn.datasets.scenes import make_scenes
from mlgcn.evaluation import multilabel_scores
from mlgcn.features import FeatureStore
from mlgcn.registry import MODELS

SEEDS, EPOCHS, BATCH, RATE = 3, 40, 64, 0.01
LABELS = {
    '100 %': ('partial', [1.0]),
    '75 %': ('partial', [0.75]),
    '40 %': ('partial', [0.4]),
    '10 %': ('partial', [0.1]),
    'single positive': ('single', []),
}
LOSSES = {
    'BCE of known labels': dict(type='AssumeNegativeLoss', ignore=True),
    'BCE, unknown negative': dict(type='AssumeNegativeLoss'),
    'ASL of known labels': dict(type='ASL', gamma_neg=4, gamma_pos=0, clip=0.05),
    'Hill': dict(type='HillLoss'),
    'SPLC': dict(type='SPLCLoss'),
    'EM': dict(type='EntropyMaximizationLoss', alpha=0.1),
    'CSL selective': dict(type='PartialASL'),
}


def read(out: Path, split: str, store: FeatureStore) -> tuple[torch.Tensor, np.ndarray]:
    """Pooled features (N, 2 views, C) and complete labels (N, K)."""
    path = out / f'scenes/annotations/instances_{split}.json'
    photos = own_photos(str(path), check_images=False)
    items = [photos.get_data_info(i) for i in range(len(photos))]
    rows = store.rows([item['img_path'] for item in items])
    (maps,) = store.maps.values()
    pooled = [maps[row].astype(np.float32).mean(axis=(2, 3)) for row in rows.values()]
    return torch.from_numpy(np.stack(pooled)), np.stack([item['gt_score'] for item in items])


def train(features: torch.Tensor, labels: np.ndarray, loss: dict, seed: int) -> torch.nn.Module:
    """A linear layer, trained on one view of each image in every epoch."""
    torch.manual_seed(seed)
    targets = torch.from_numpy(labels).float()
    layer = torch.nn.Linear(features.shape[2], labels.shape[1])
    loss = MODELS.build({**loss, 'type': f'mlgcn.{loss["type"]}'})
    optimizer = torch.optim.Adam(layer.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for epoch in range(EPOCHS):
        MessageHub.get_current_instance().update_info('epoch', epoch)  # SPLC starts by it
        view = features[torch.arange(len(features)), torch.randint(2, (len(features),))]
        for batch in torch.randperm(len(features)).split(BATCH):
            optimizer.zero_grad()
            loss(layer(view[batch]), targets[batch]).backward()
            optimizer.step()
        schedule.step()
    return layer


def main() -> None:
    mlgcn.register()
    warnings.simplefilter('ignore')  # classes without a positive
    out, weights = Path(sys.argv[1]), sys.argv[2]
    make_scenes(out / 'scenes', num_train=1200, num_val=600)
    files = [str(out / f'scenes/annotations/instances_{split}.json') for split in ('train', 'val')]
    option = f'model.backbone.init_cfg.checkpoint={weights}'
    config = ['linear_own_lite0_224', *files, '--out', str(out / 'features')]
    execute('features', [*config, '--cfg-options', option])
    store = FeatureStore(out / 'features')
    features, labels = read(out, 'train', store)
    test_features, test_labels = read(out, 'val', store)
    results = {name: {} for name in LOSSES}
    for amount, (rule, amounts) in LABELS.items():
        for seed in range(SEEDS):
            known = hide_labels(labels, rule, amounts, RULES[rule].seed + seed)
            for name, loss in LOSSES.items():
                layer = train(features, known, loss, seed)
                score = multilabel_scores(layer(test_features[:, 0]), test_labels)['mAP']
                results[name].setdefault(amount, []).append(score)
        print(amount, {name: round(np.mean(found[amount]), 1) for name, found in results.items()})
    write(out, results)


def write(out: Path, results: dict[str, dict[str, list[float]]]) -> None:
    """The scores as json, a table and a figure."""
    write_atomically(out / 'label_curves.json', json.dumps(results, indent=1))
    rows = ['| loss | ' + ' | '.join(LABELS) + ' |', '| --- ' * (len(LABELS) + 1) + '|']
    figure, axes = plt.subplots(figsize=(7, 4), layout='constrained')
    for name, found in results.items():
        values = np.array([found[amount] for amount in LABELS])
        mean, spread = values.mean(axis=1), values.std(axis=1, ddof=1)
        cells = (f'{m:.1f} ± {s:.1f}' for m, s in zip(mean, spread))
        rows.append(f'| {name} | ' + ' | '.join(cells) + ' |')
        # single positives are no point of the curve: which labels are known is not random there
        line = axes.errorbar(range(4), mean[:4], spread[:4], label=name, capsize=2)
        axes.errorbar(4, mean[4], spread[4], fmt='o', color=line[0].get_color(), capsize=2)
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set(xlabel='known training labels', ylabel='mAP in %, complete test labels')
    axes.legend(fontsize='small')
    figure.savefig(out / 'label_curves.png', dpi=120)
    write_atomically(out / 'label_curves.md', '\n'.join(rows) + '\n')


if __name__ == '__main__':
    main()
