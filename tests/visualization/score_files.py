"""Two runs on three photographs, as scores files."""

import numpy as np

from mlgcn.evaluation import ScoresFile

NAMES = ['cat', '<script>alert(1)</script>', 'hen']
TARGETS = np.array([[1, 0, 0], [0, 1, 1], [1, -1, 0]], np.int8)
FIRST = np.array([[3, -1, 1], [-2, 2, -4], [1, 2, -1]], np.float32)
SECOND = np.float32(5.0 * TARGETS - 1)
FILES = [f'photos/{i}.png' for i in range(3)]


def save(path, scores, targets, names=NAMES, files=FILES, protocol='addgcn', **more):
    tables = np.array(files), np.array(names), np.float32(scores), targets
    ScoresFile(*tables, protocol, **more).save(path)
    return path
