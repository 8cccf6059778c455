"""`init_cfg=dict(type='Pretrained', ...)` that says what it loaded and refuses to load nothing."""

from collections.abc import Mapping

from mmengine.logging import print_log
from mmengine.model.weight_init import PretrainedInit, update_init_info
from torch import Tensor, nn

from mlgcn.models.backbones.pyramid_vig import resized

from .checkpoint import load
from .convert import convert, detect
from .transfer import transfer

POLICIES = ('interpolate', 'keep')


class Pretrained(PretrainedInit):
    """Upstream's initializer ignores what does not fit, even when that is the whole file.

    This one understands the usual wrappers (`state_dict`, `module.`, `model.`, `backbone.`),
    published names of Pyramid ViG, and timm's names for upstream's `TIMMBackbone`; it logs how many
    entries were used.

    Args:
        checkpoint: file or URL.
        prefix: load only the entries that start with it.
        map_location: taken for upstream's sake; the file is read on the CPU.
        pos_embed: what happens to a position embedding for another image size: 'interpolate'
            resizes it bicubically, 'keep' leaves the model's own (zeros), as the published GKGNet
            does.

    Raises:
        ValueError: an unknown `pos_embed`; the file gives nothing to the module, or holds NaN.
    """

    def __init__(
        self,
        checkpoint: str,
        prefix: str | None = None,
        map_location: str = 'cpu',
        pos_embed: str = 'interpolate',
    ):
        super().__init__(checkpoint, prefix, map_location)
        if pos_embed not in POLICIES:
            raise ValueError(f'pos_embed={pos_embed!r}: expected one of {", ".join(POLICIES)}')
        self.pos_embed = pos_embed

    def __call__(self, module: nn.Module) -> None:
        try:
            checkpoint, own = load(self.checkpoint), module.state_dict()
        except FileNotFoundError as error:
            raise FileNotFoundError(f'{error}{published_at(module)}') from error
        checkpoint.weights = self._named_as(own, checkpoint.weights)
        if self.pos_embed == 'interpolate':
            for key, value in checkpoint.weights.items():
                checkpoint.weights[key] = fitted(key, value, own.get(key))
        module.load_state_dict(transfer(checkpoint, module, classes=None))
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())

    def _named_as(self, own: Mapping[str, Tensor], weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights under the module's names: as they are, or converted where that fits more."""
        named = rename(weights, own, prefix=self.prefix or '')
        source = detect(weights)
        if source not in ('pvig', 'mmpretrain'):
            return named
        converted = rename(convert(weights, source), own)
        return max(named, converted, key=lambda names: len(own.keys() & names.keys()))


def published_at(module: nn.Module) -> str:
    """Where the weights of a backbone of timm are to be had, as the end of a sentence."""
    published = getattr(getattr(module, 'timm_model', None), 'pretrained_cfg', None) or {}
    if not published.get('hf_hub_id'):
        return ''
    advice = 'model.backbone.init_cfg=None model.backbone.pretrained=True fetches it'
    return f'; https://huggingface.co/{published["hf_hub_id"]} has it (model.safetensors); {advice}'


def rename(weights: Mapping, own: Mapping, prefix: str = '') -> dict:
    """`weights` under the names of `own`: below `prefix` or `backbone.`, in timm's wrapper."""
    if prefix:
        prefix = prefix.rstrip('.') + '.'
        weights = {k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)}
    if not own.keys() & weights.keys() and any(k.startswith('backbone.') for k in weights):
        return rename(weights, own, 'backbone')
    timm = 'timm_model.'  # mmpretrain's TIMMBackbone wraps timm's model under this name
    if all(k.startswith(timm) for k in own) and not any(k.startswith(timm) for k in weights):
        weights = {timm + k: v for k, v in weights.items()}
    return dict(weights)


def fitted(key: str, value: Tensor, own: Tensor | None) -> Tensor:
    """A position embedding (1, C, H, W) in the module's (H', W'); others as they are."""
    if not key.endswith('pos_embed') or own is None or own.shape == value.shape:
        return value
    if value.ndim != 4 or value.shape[:2] != own.shape[:2]:
        return value
    print_log(f'{key} resized from {tuple(value.shape[2:])} to {tuple(own.shape[2:])}', 'current')
    return resized(value, own.shape[2:])
