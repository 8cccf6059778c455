"""Published files, made of a list of keys and the values of tests/fill.py."""

import json

import torch
from fill import value_for
from paths import DATA


def published_weights(keys, case=None):
    """The state_dict of tests/data/keys_KEYS.json, filled for a fixture's case (or zeros)."""
    weights = {}
    for key, shape, dtype in json.loads((DATA / f'keys_{keys}.json').read_text()):
        value = value_for(key, shape, case['salt'], case['gains']) if case else None
        if key == 'mask_mat':
            weights[key] = torch.eye(shape[0])
        elif value is None:
            weights[key] = torch.zeros(shape, dtype=getattr(torch, dtype))
        else:
            weights[key] = torch.from_numpy(value)
    return weights


def published_file(path, source, weights):
    """Save `weights` as the authors of `source` did."""
    if source == 'addgcn':
        file = dict(epoch=49, model_name='ADD_GCN', state_dict=weights, best_score=0.852)
    else:  # written by mmcv 1.x from a model on several GPUs
        weights = {f'module.{key}': value for key, value in weights.items()}
        file = dict(meta=dict(epoch=80, config='import os'), state_dict=weights, optimizer={})
    torch.save(file, path)
    return path
