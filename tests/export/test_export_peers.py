"""Every peer's head as ONNX and torch.export file, for any number of images."""

import json

import pytest
import torch
from export import tiny_models
from export.tiny_models import write_checkpoint

from mlgcn.checkpoints import load, save_weights
from mlgcn.cli import execute

pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')

HEADS = {
    'csra': dict(type='mlgcn.CSRAHead', num_heads=2),
    'ml_gcn': dict(type='mlgcn.MLGCNHead', hidden=6, embed_channels=5),
    'ml_decoder': dict(type='mlgcn.MLDecoderHead', embed_dim=8, num_groups=3),
    'query2label': dict(type='mlgcn.Query2LabelHead', hidden=8, num_decoders=1, self_attn=True),
    'ctran': dict(type='mlgcn.CTranHead', num_layers=1),
}


@pytest.mark.slow
@pytest.mark.parametrize('name', HEADS)
@pytest.mark.parametrize(('format', 'ending'), [('onnx', 'onnx'), ('torch-export', 'pt2')])
def test_exported_heads_agree(tmp_path, monkeypatch, name, format, ending):
    head = dict(HEADS[name], num_classes=4, in_channels=8)
    backbone = tiny_models.ADDGCN['backbone']
    monkeypatch.setitem(tiny_models.MODELS_BY_NAME, name, dict(backbone=backbone, head=head))
    path = write_checkpoint(tmp_path, name)
    if name == 'ml_gcn':  # the fill's negative weights are no graph
        checkpoint = load(path)
        checkpoint.weights['head.graph'] = torch.eye(4) + 0.1
        metadata = checkpoint.metadata | dict(sha256=checkpoint.sha256)
        save_weights(path, checkpoint.weights, metadata, force=True)
    out = tmp_path / f'{name}.{ending}'
    options = ['--format', format, '--dynamic-batch', '--num-images', '5']
    execute('export', [str(path), '--out', str(out), *options])
    certificate = json.loads(out.with_name(f'{out.name}.certificate.json').read_text())
    assert certificate['verdict'] == 'agrees'
