"""The label decoder's layer against torch's layers, where they do the same."""

import pytest
import torch
from torch import nn

from mlgcn.models.layers.label_decoder import LabelDecoderLayer

DIM, HEADS, HIDDEN = 8, 2, 12


def random_(layer):
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5)
    return layer.double().eval()


@pytest.mark.parametrize('pre_norm', [False, True])
def test_equals_torchs_decoder_layer_without_positions(pre_norm):
    ours = random_(LabelDecoderLayer(DIM, HEADS, HIDDEN, pre_norm=pre_norm))
    torchs = nn.TransformerDecoderLayer(
        DIM, HEADS, HIDDEN, batch_first=True, norm_first=pre_norm
    ).double()
    torchs.load_state_dict(ours.state_dict())  # the same names
    x, memory = torch.randn(2, 5, DIM).double(), torch.randn(2, 7, DIM).double()
    torch.testing.assert_close(ours(x, memory), torchs.eval()(x, memory))


def test_an_encoder_layer_can_update_its_last_queries_alone():
    layer = random_(LabelDecoderLayer(DIM, HEADS, HIDDEN, cross_attn=False))
    x = torch.randn(2, 6, DIM).double()
    some = layer.answer(layer.talk(x, first=4), None, None)
    torch.testing.assert_close(some, layer(x)[:, 4:])


def test_shared_queries_equal_repeated_ones_and_weights_are_the_attentions():
    layer = random_(LabelDecoderLayer(DIM, HEADS, HIDDEN, self_attn=False))
    x, memory = torch.randn(1, 5, DIM).double(), torch.randn(3, 7, DIM).double()
    position = torch.randn(5, DIM).double()
    shared = layer.answer(x, layer.ask(x, position), memory)
    torch.testing.assert_close(shared, layer(x.expand(3, -1, -1), memory, position))
    query = (x + position).expand(3, -1, -1)
    _, weights = nn.MultiheadAttention.forward(layer.multihead_attn, query, memory, memory)
    found = layer.multihead_attn.weights(layer.ask(x, position), memory)
    torch.testing.assert_close(found, weights)
