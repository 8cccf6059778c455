"""Picture and mirror image averaged: in evaluation alone, by every way into a model."""

import pytest
import torch
from fill import fill_
from mmengine.registry import init_default_scope
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from tiny_checkpoint import CLASSES, tiny_config, write_checkpoint

import mlgcn
from mlgcn.apis import load_model
from mlgcn.checkpoints import make_metadata, save_weights
from mlgcn.models.mirror_average import (
    MirrorAveragedClassifier,
    mirror_averaged_logits,
    use_mirror_average,
    with_first_step,
)
from mlgcn.registry import MODELS

BODY = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
HEADS = {
    'addgcn': dict(type='mlgcn.ADDGCNHead', num_classes=3, in_channels=32, node_channels=16),
    'ctran': dict(type='mlgcn.CTranHead', num_classes=3, in_channels=32, num_layers=2),
    'upstream': dict(
        type='MultiLabelLinearClsHead', num_classes=3, in_channels=512, thr=0.5
    ),
}  # fmt: skip


def build(cls, head):
    init_default_scope('mmpretrain')
    body = BODY if head != 'upstream' else dict(type='ResNet', depth=18)
    neck = dict(type='GlobalAveragePooling') if head == 'upstream' else None
    return fill_(cls(backbone=dict(body), neck=neck, head=dict(HEADS[head]))).double().eval()


@pytest.fixture(scope='module')
def images():
    return torch.randn(2, 3, 48, 64, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize('head', HEADS)
@torch.no_grad()
def test_logits_are_the_mean_of_both(images, head):
    plain, averaged = build(ImageClassifier, head), build(MirrorAveragedClassifier, head)
    assert list(averaged.state_dict()) == list(plain.state_dict())
    picture, mirror = plain(images), plain(images.flip(3))
    assert (picture - mirror).abs().max() > 1e-3
    expected = (picture + mirror) / 2
    torch.testing.assert_close(averaged(images), expected, rtol=1e-9, atol=1e-9)
    # --tta is the same, and does not average twice
    for model in (plain, averaged):
        logits = mirror_averaged_logits(model, images)
        torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-9)
    samples = averaged(images, [DataSample(), DataSample()], mode='predict')
    scores = torch.stack([sample.pred_score for sample in samples])
    torch.testing.assert_close(scores, expected.sigmoid(), rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_known_labels_hold_of_both(images):
    plain, averaged = build(ImageClassifier, 'ctran'), build(MirrorAveragedClassifier, 'ctran')

    def logits(model, x):
        samples = [DataSample(), DataSample()]
        samples[1].set_field(torch.tensor([1, -1, 0]), 'known_labels')
        return torch.stack([s.pred_logits for s in model(x, samples, mode='predict')])

    expected = (logits(plain, images) + logits(plain, images.flip(3))) / 2
    assert (expected - averaged(images))[1].abs().max() > 1e-3
    torch.testing.assert_close(logits(averaged, images), expected, rtol=1e-9, atol=1e-9)


def test_training_is_that_of_the_picture(images):
    samples = [DataSample().set_gt_score(torch.tensor([1.0, 0, 0])) for _ in images]
    plain, averaged = build(ImageClassifier, 'addgcn'), build(MirrorAveragedClassifier, 'addgcn')
    for model in (plain, averaged):
        model.train()
    losses = [model(images, samples, mode='loss')['loss'] for model in (plain, averaged)]
    assert losses[0] == losses[1]
    assert torch.equal(plain.eval()(images, samples, 'loss')['loss'],
                       averaged.eval()(images, samples, 'loss')['loss'])  # fmt: skip


def test_a_checkpoint_states_it_and_every_call_follows(tmp_path, images):
    def change(cfg):
        use_mirror_average(cfg.model)
        cfg.model.head.num_classes = 3

    path, _ = write_checkpoint(tmp_path, change)
    averaged = load_model(path)
    plain = load_model(path, cfg_options={'model.type': 'ImageClassifier'})
    assert type(averaged.model) is mlgcn.MirrorAveragedClassifier
    assert 'mirror' in str(averaged.decision()) and 'mirror' not in str(plain.decision())
    picture = (images[0].permute(1, 2, 0) * 50 + 128).clamp(0, 255).byte().numpy()
    packed = [averaged.pack(picture)]
    expected = plain.logits(packed, tta=True)
    assert abs(expected - plain.logits(packed)).max() > 1e-6
    for logits in (averaged.logits(packed), averaged.logits(packed, tta=True)):
        torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-7)
    seen = averaged.predict(picture, channel_order='bgr')[0].probabilities
    torch.testing.assert_close(seen, plain.decision().calibration.probabilities(expected[0]))


@torch.no_grad()
def test_a_fine_tuned_model_is_averaged_with_what_it_was(images):
    """`frozen` of the copy's backbone is an option of mlgcn.TIMMBackbone."""
    timm = dict(type='mlgcn.TIMMBackbone', model_name='resnet10t')
    head = dict(type='mlgcn.LinearHead', num_classes=3, in_channels=512)
    before = fill_(MirrorAveragedClassifier(timm, head=head)).double()
    both = MirrorAveragedClassifier(timm, head=head, first_step=True).double()
    both.load_state_dict(with_first_step(both, before.state_dict()))  # strict
    expected = before.eval()(images)
    torch.testing.assert_close(both.eval()(images), expected, rtol=1e-9, atol=1e-9)
    trained = {name for name, p in both.named_parameters() if p.requires_grad}
    assert trained == {name for name, _ in before.named_parameters()}
    assert both.train().backbone.training and not any(m.training for m in both.first.modules())
    both.head.fc.bias += 1  # as fine-tuning would
    weights = both.state_dict()
    torch.testing.assert_close(both.eval()(images), expected + 0.5, rtol=1e-9, atol=1e-9)
    assert with_first_step(both, weights).keys() == weights.keys()  # goes on, does not start again
    assert torch.equal(with_first_step(both, weights)['first.head.fc.bias'], before.head.fc.bias)


@torch.no_grad()
def test_a_fine_tuned_checkpoint_needs_no_config_of_its_own(tmp_path, images):
    def change(cfg):
        cfg.model.backbone = dict(type='mlgcn.TIMMBackbone', model_name='resnet10t')
        cfg.model.head = dict(type='mlgcn.LinearHead', num_classes=3, in_channels=512)
        use_mirror_average(cfg.model)

    cfg = tiny_config()
    change(cfg)
    init_default_scope('mmpretrain')
    model = fill_(MODELS.build(dict(cfg.model, first_step=True)))
    path = tmp_path / 'tuned.pth'
    save_weights(path, model.state_dict(), make_metadata(model.state_dict(), CLASSES, 'x', cfg))
    loaded = load_model(path).model
    assert torch.equal(loaded(images.float()), model.eval()(images.float()))


def test_another_class_of_models_cannot_be_switched():
    with pytest.raises(ValueError, match='HuggingFaceClassifier'):
        use_mirror_average(dict(type='HuggingFaceClassifier'))
