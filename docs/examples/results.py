"""Measure the results of README.md and docs/peers.md, and write them into docs/results.json.

python docs/examples/results.py WORK 1                         built-in scenes, seed 0
python docs/examples/results.py WORK 1 trainval.txt test.txt   Aquarium in VOC's layout, seed 0

`mlgcn train --seed S`, then `mlgcn test` of the last epoch, protocol `addgcn`. With one thread, or
OMP_NUM_THREADS: their number changes the order of sums, and with it the result as much as another
seed does. For Aquarium, heads train on stored features (`mlgcn features`), without the crops of
their configs. What is finished in WORK is not repeated, and other rows of the file are kept.
"""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from mlgcn.atomic_files import write_atomically
from mlgcn.evaluation import ScoresFile, multilabel_scores

RESULTS = Path(__file__).parents[1] / 'results.json'
SCENES = (
    'linear', 'addgcn', 'csra', 'query2label', 'ml_gcn', 'ml_decoder', 'gkgnet', 'ctran', 'asl',
)  # fmt: skip
AQUARIUM = (
    'linear', 'addgcn', 'csra', 'query2label', 'ml_gcn', 'ml_decoder', 'ctran', 'asl',
)  # fmt: skip
THREADS = int(os.environ.get('OMP_NUM_THREADS', 1))


def run(*words: str) -> None:
    """`mlgcn WORDS`; its output goes to the screen."""
    env = {**os.environ, 'OMP_NUM_THREADS': str(THREADS)}
    subprocess.run([sys.executable, '-m', 'mlgcn', *words], env=env, check=True)


def measure(folder: Path, config: str, seed: int, options: list[str], features: list[str]) -> dict:
    """Train and score one config in `folder`; images and mAP."""
    scores = folder / 'scores.npz'
    if not scores.exists():
        of_run = ['--work-dir', str(folder), '--force', *options]
        run('train', config, '--seed', str(seed), *features, *of_run)
        checkpoint = (folder / 'last_checkpoint').read_text()
        run('test', config, checkpoint, '--out', str(scores), *of_run)
    file = ScoresFile.load(scores)
    result = multilabel_scores(file.scores, file.targets, 'addgcn', file.class_names)
    return dict(
        images=len(file.scores), mAP=round(float(result['mAP']), 4), threads=THREADS,
        torch=torch.__version__, date=str(datetime.date.fromtimestamp(scores.stat().st_mtime)),
    )  # fmt: skip


def main() -> None:
    work, seeds, splits = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    heads, kind, options, features = SCENES, 'scenes', [], []
    if splits:
        heads, kind, features = AQUARIUM, 'own_lite0_224', ['--features', str(work / 'features')]
        run('features', f'linear_{kind}', *splits, '--out', features[1])
        options = ['--cfg-options', f'own.train={splits[0]}', f'own.val={splits[1]}']
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for seed in range(seeds):
        for config in (f'{head}_{kind}' for head in heads):
            name = f'seed {seed}' + f', {THREADS} threads' * (THREADS > 1)
            folder = work / f'{config} {name}'.replace(' ', '_').replace(',', '')
            found = measure(folder, config, seed, options, features)
            results.setdefault(config, {})[name] = found
            write_atomically(RESULTS, json.dumps(results, indent=1, sort_keys=True) + '\n')


if __name__ == '__main__':
    main()
