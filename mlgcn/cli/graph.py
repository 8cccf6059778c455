"""Count how often the training labels of a config occur together, for ML-GCN's graph."""

import argparse

import numpy as np
import torch

from mlgcn.atomic_files import open_atomically
from mlgcn.datasets.own_photos import label_counts
from mlgcn.messages import printable
from mlgcn.ops.cooccurrence_graph import label_graph

from . import arguments

MOST_EDGES = 20  # printed


def main(args: argparse.Namespace) -> None:
    out = arguments.check_new(args.out, args.force, '.npz')
    dataset = arguments.training_labels(args)
    classes = list(dataset.metainfo['classes'])
    nums, adj = label_counts(dataset)
    graph = label_graph(torch.from_numpy(nums), torch.from_numpy(adj), args.threshold)
    edges = graph.fill_diagonal_(0).nonzero().tolist()
    with open_atomically(out) as file:
        np.savez(file, nums=nums, adj=adj, classes=np.array(classes))
    print(f'{out}: {len(classes)} labels, {len(edges)} edges at P(j | i) >= {args.threshold:g}')
    edges.sort(key=lambda edge: -adj[edge[0], edge[1]] / nums[edge[0]])
    for i, j in edges[:MOST_EDGES]:
        names = printable(f'{classes[i]} -> {classes[j]}')
        print(f'  {names}  {adj[i, j] / nums[i]:.3f}  ({adj[i, j]}/{nums[i]})')
    if len(edges) > MOST_EDGES:
        print(f'  ... {len(edges) - MOST_EDGES} more')
