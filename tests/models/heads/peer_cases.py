"""The published heads' fixtures (head_*): our head with their weights, the input and the labels."""

import json
import os
from pathlib import Path

import numpy as np
import torch
from fill import make_input, make_target, stream, value_for
from mmpretrain.structures import DataSample
from paths import DATA

from mlgcn.checkpoints import convert, to_published
from mlgcn.registry import MODELS

FOLDER = Path(os.environ.get('MLGCN_FIXTURES', DATA / 'peers'))
SOURCES = dict(mlgcn='ml_gcn', mldecoder='ml_decoder')


def names(system):
    """The cases of a system: a copy of the small ones, or MLGCN_FIXTURES (a folder of all)."""
    return sorted(path.stem for path in FOLDER.glob(f'head_{system}_k*.json')) or sorted(
        path.stem for path in FOLDER.glob(f'head_{system}_h*.json')
    )


class Case:
    """One fixture; `head` is in float64 and its weights came through the conversion."""

    def __init__(self, name, build):
        self.name = name
        fixture = json.loads((FOLDER / f'{name}.json').read_text())
        self.case, self.train = fixture['case'], fixture['train']
        self.options, self.shape = self.case['options'], self.case['in_shape']
        self.arrays = np.load(FOLDER / f'{name}.npz')
        self.source = SOURCES.get(self.case['system'], self.case['system'])
        self.published = {}
        for key, shape, _ in fixture['keys']:
            value = value_for(key, shape, self.case['salt'], self.case['gains'])
            self.published[key] = torch.from_numpy(value)
        if 'A' in self.published:  # not filled: as a checkpoint holds it
            self.published['A'] = torch.from_numpy(self.arrays['A'])
        self.head = MODELS.build(build(self))
        ours = convert(self.published, self.source, part='head')
        missing, unexpected = self.head.load_state_dict(ours, strict=False)
        assert not unexpected and set(missing) <= {'embeddings'}
        self.head.double()

    @property
    def input(self):
        if len(self.shape) == 4:
            return make_input(self.name, self.shape, self.case['salt']).double()
        tokens = stream(f'input:{self.name}', self.case['salt']).standard_normal(self.shape)
        return torch.from_numpy(tokens.astype(np.float32)).double()

    @property
    def vectors(self):
        """The case's word vectors (K, 300 or in_channel)."""
        shape = (self.options['num_classes'], self.options.get('in_channel', 300))
        drawn = stream(f'embedding:{self.name}', self.case['salt']).standard_normal(shape)
        return torch.from_numpy(drawn.astype(np.float32))

    @property
    def target(self):
        shape = (self.shape[0], self.options['num_classes'])
        return make_target(self.name, shape, self.case['salt'], p=self.case['p'])

    @property
    def samples(self):
        return [DataSample().set_gt_score(row) for row in self.target]

    def check_eval(self, **kwargs):
        self.head.eval()
        for images in (slice(None), slice(1)):  # alone, after the constants were folded
            with torch.no_grad():
                logits = self.head(
                    (self.input[images],), **{k: v[images] for k, v in kwargs.items()}
                )
            np.testing.assert_allclose(
                logits, self.arrays['eval_logits'][images], rtol=0, atol=1e-9
            )
        with torch.enable_grad():  # not folded
            logits = self.head((self.input,), **kwargs).detach()
        np.testing.assert_allclose(logits, self.arrays['eval_logits'], rtol=0, atol=1e-9)
        assert to_published(self.head.state_dict(), self.source, part='head').keys() <= {
            *self.published
        }

    def check_train(self, loss=None, **kwargs):
        """The loss and every gradient norm in training (fixtures have no dropout)."""
        x = self.input.requires_grad_()
        self.head.train()
        logits = self.head((x,), **kwargs)
        mean = torch.nn.functional.binary_cross_entropy_with_logits(logits, self.target.double())
        np.testing.assert_allclose(mean.item(), self.train['loss'], rtol=1e-8)
        if self.head.mean_over_classes:
            ours = self.head._get_loss(logits, self.samples)['loss']
            np.testing.assert_allclose(ours.item(), self.train['loss'], rtol=1e-8)
        mean.backward()
        grads = {key: p.grad for key, p in self.head.named_parameters() if p.requires_grad}
        assert all(grad is not None for grad in grads.values())
        published = to_published(grads, self.source, part='head')
        for key, norm in self.train['grad_norm'].items():
            found = x.grad if key == 'input' else published.get(key)
            if norm is None:  # by design none, or zero up to rounding
                assert found is None or found.norm() < 1e-12, key
            else:
                np.testing.assert_allclose(found.norm().item(), norm, rtol=1e-8, err_msg=key)
