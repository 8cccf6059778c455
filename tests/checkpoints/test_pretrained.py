"""`init_cfg=dict(type='Pretrained')` loads what it says or refuses."""

import pytest
import torch
from mmengine.model import BaseModule
from mmpretrain.models import ResNet, TIMMBackbone
from torch import nn

from mlgcn.checkpoints import CheckpointError, pretrained
from mlgcn.models.heads import LinearHead


class Small(BaseModule):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fc = nn.Linear(2, 3)


def init_cfg(path):
    return dict(type='Pretrained', checkpoint=str(path))


@pytest.mark.parametrize('wrapper', ['', 'module.', 'backbone.', 'module.backbone.'])
def test_wrappers_are_understood(tmp_path, wrapper):
    weights = {f'{wrapper}fc.weight': torch.ones(3, 2), f'{wrapper}fc.bias': torch.ones(3)}
    torch.save(dict(state_dict=weights), tmp_path / 'w.pth')
    model = Small(init_cfg=init_cfg(tmp_path / 'w.pth'))
    model.init_weights()
    assert torch.equal(model.fc.weight, torch.ones(3, 2))
    assert torch.equal(model.fc.bias, torch.ones(3))


def test_torchvision_names_fill_the_whole_resnet(tmp_path):
    torchvision = pytest.importorskip('torchvision')
    theirs = torchvision.models.resnet18().state_dict()
    torch.save(theirs, tmp_path / 'resnet18.pth')
    model = ResNet(18, init_cfg=init_cfg(tmp_path / 'resnet18.pth'))
    model.init_weights()
    assert all(torch.equal(value, theirs[key]) for key, value in model.state_dict().items())


def test_timm_names_fill_timm_backbone(tmp_path):
    import timm

    theirs = timm.create_model('resnet10t', features_only=True).state_dict()
    torch.save(theirs, tmp_path / 'timm.pth')
    model = TIMMBackbone('resnet10t', features_only=True, init_cfg=init_cfg(tmp_path / 'timm.pth'))
    model.init_weights()
    for key, value in model.timm_model.state_dict().items():
        assert torch.equal(value, theirs[key])


def test_a_file_that_gives_nothing_is_refused(tmp_path):
    torch.save({'other.weight': torch.ones(1)}, tmp_path / 'w.pth')
    with pytest.raises(
        ValueError, match=r'w.pth: none of its 1 entries fits Small.*other.weight.*fc.weight'
    ):
        Small(init_cfg=init_cfg(tmp_path / 'w.pth')).init_weights()


def test_prefix_takes_a_part(tmp_path):
    torch.save({'a.fc.bias': torch.ones(3), 'b.fc.bias': torch.zeros(3)}, tmp_path / 'w.pth')
    model = Small(init_cfg=dict(init_cfg(tmp_path / 'w.pth'), prefix='a'))
    model.init_weights()
    assert torch.equal(model.fc.bias, torch.ones(3))


def test_a_frozen_backbone_must_be_loaded_whole(tmp_path):
    """One EfficientNet's weights in another: most entries fit."""
    import timm

    from mlgcn.models.backbones import TIMMBackbone

    torch.save(timm.create_model('resnet10t', features_only=True).state_dict(), tmp_path / 'w.pth')
    options = dict(features_only=True, init_cfg=init_cfg(tmp_path / 'w.pth'))
    TIMMBackbone('resnet10t', frozen=True, **options).init_weights()
    TIMMBackbone('resnet14t', **options).init_weights()  # trained: a warning will do
    with pytest.raises(CheckpointError, match=r'w.pth: \d+ of the \d+ frozen parameters of TIMM'):
        TIMMBackbone('resnet14t', frozen=True, **options).init_weights()


def test_rows_of_classes_start_new(tmp_path):
    """Their names are not known here: load_from moves them."""
    model = nn.Sequential()
    model.head = LinearHead(3, 4)
    model.body = nn.Linear(2, 2)
    weights = dict(model.state_dict(), **{'body.bias': torch.ones(2)})
    weights['head.fc.bias'] = torch.ones(3)
    torch.save(weights, tmp_path / 'w.pth')
    pretrained.Pretrained(str(tmp_path / 'w.pth'))(model)
    assert torch.equal(model.body.bias, torch.ones(2))
    assert not torch.equal(model.head.fc.bias, torch.ones(3))


def test_a_missing_file_of_timms_weights_says_where_it_is_published(tmp_path):
    model = TIMMBackbone('resnet18', init_cfg=init_cfg(tmp_path / 'absent.pth'))
    with pytest.raises(FileNotFoundError, match='absent.pth.*huggingface.co/timm/resnet18'):
        model.init_weights()
