"""Faster inference with the same answers: batch norms folded, channels last, fewer passes."""

import torch
from mmcv.cnn import fuse_conv_bn
from mmpretrain.models.backbones.resnet import Bottleneck
from timm.layers import BatchNormAct2d, SyncBatchNormAct
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mlgcn.ops.rows import runs_in_one_dnn
from mlgcn.ops.winograd import transformed_filters, winograd


def fuse(model: nn.Module) -> nn.Module:
    """The model itself, changed for inference: it can't be trained or saved afterwards.

    Every BatchNorm2d that follows a convolution is folded into its weights, and maps have their
    channels last, as oneDNN's convolutions like them. In a ResNet's blocks oneDNN adds and
    rectifies while it convolves, and 3x3 filters of 256 channels and more run by Winograd's
    method, whose filters take 16/9 of the memory beside the others. The logits move by float32
    rounding, about 1e-6 of their spread (docs/performance.md has the gains).

    Raises:
        ValueError: the model is in training mode, where batch norms can't be folded; a batch norm
            of a class that may compute more than that, or of another layer than the one before it.
    """
    if model.training:
        raise ValueError('fuse: the model is in training mode; call model.eval() first')
    activations = _activations_of_norms(model)
    try:
        model = fuse_conv_bn(model).to(memory_format=torch.channels_last)
    except RuntimeError as error:  # shapes: upstream takes a norm for that of the layer before it
        raise ValueError(f'fuse: the batch norms cannot be folded: {error}') from error
    for name, activation in activations.items():
        if type(model.get_submodule(name)) is nn.Identity:  # upstream's mark of a folded norm
            model.set_submodule(name, activation)
    for block in model.modules():
        # a class derived from it may compute something else
        if type(block) is Bottleneck and _is_folded(block):
            block.__class__ = _FoldedBottleneck
            if _is_plain_3x3(block.conv2):
                filters = transformed_filters(block.conv2.weight.detach())
                block.register_buffer('filters', filters, persistent=False)
    return model


def _activations_of_norms(model: nn.Module) -> dict[str, nn.Module]:
    """The activation inside each of timm's batch norms, which upstream would lose."""
    activations = {}
    for name, module in model.named_modules():
        if isinstance(module, (BatchNormAct2d, SyncBatchNormAct)):
            activations[name] = module.act
        elif isinstance(module, _BatchNorm) and type(module).__module__ != _BatchNorm.__module__:
            seen = f'{name} is a {type(module).__name__}'
            raise ValueError(f"fuse: {seen}, expected torch's or timm's batch norms")
    return activations


def _is_folded(block: Bottleneck) -> bool:
    """Whether the block is three plain convolutions (not e.g. deformable ones) and rectifiers."""
    parts = {nn.ReLU: [block.relu], nn.Identity: [block.norm1, block.norm2, block.norm3]}
    parts[nn.Conv2d] = [block.conv1, block.conv2, block.conv3]
    return all(type(part) is kind for kind, group in parts.items() for part in group)


def _is_plain_3x3(conv: nn.Conv2d) -> bool:
    """Whether Winograd's method applies, and has channels enough to be faster."""
    shape = conv.kernel_size, conv.padding, conv.stride, conv.dilation, conv.groups
    return shape == ((3, 3), (1, 1), (1, 1), (1, 1), 1) and conv.in_channels >= 256


class _FoldedBottleneck(Bottleneck):
    """A residual block whose sum and rectifiers oneDNN computes within the convolutions."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H', W')."""
        if torch.is_grad_enabled() or not runs_in_one_dnn(x, self.conv1.weight):
            return super().forward(x)
        out = self._middle(_convolved(x, self.conv1))
        # The shortcut is added in place: only this block reads it. (A stage's output is read by
        # others too, but the next stage's first block has convolved it.)
        shortcut = x if self.downsample is None else self.downsample(x)
        conv = self.conv3
        args = conv.padding, conv.stride, conv.dilation, conv.groups, 'add', 1.0, 'relu', [], ''
        return torch.ops.mkldnn._convolution_pointwise_.binary(
            shortcut, out, conv.weight, conv.bias, *args
        )

    def _middle(self, x: Tensor) -> Tensor:
        if hasattr(self, 'filters') and x.shape[2] % 2 == x.shape[3] % 2 == 0:
            return winograd(x, self.filters, self.conv2.bias).relu_()
        return _convolved(x, self.conv2)


def _convolved(x: Tensor, conv: nn.Conv2d) -> Tensor:
    args = conv.padding, conv.stride, conv.dilation, conv.groups, 'relu', [], ''
    return torch.ops.mkldnn._convolution_pointwise(x, conv.weight, conv.bias, *args)
