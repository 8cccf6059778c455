"""`init_cfg=dict(type='Pretrained', ...)` that says what it loaded and refuses to load nothing."""

from mmengine.logging import print_log
from mmengine.model.weight_init import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader, load_state_dict
from torch import nn

PREFIXES = ('module.', 'model.', 'backbone.')


@WEIGHT_INITIALIZERS.register_module(name='Pretrained', force=True)
class Pretrained(PretrainedInit):
    """Upstream's initializer ignores what does not fit, even when that is the whole file.

    This one understands the usual wrappers (`state_dict`, `module.`, `model.`, `backbone.`) and
    timm's names for upstream's `TIMMBackbone`, logs how many entries were used, and raises
    ValueError when the file gives nothing to the module.
    """

    def __call__(self, module: nn.Module) -> None:
        loaded = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location)
        weights = loaded.get('state_dict', loaded)
        own = module.state_dict()
        weights = rename(weights, own, prefix=self.prefix or '')
        used = [k for k, v in weights.items() if k in own and own[k].shape == v.shape]
        if not used:
            raise ValueError(
                f'{self.checkpoint}: none of its {len(weights)} entries fits '
                f'{type(module).__name__}. It holds {list(weights)[:3]}, expected e.g. '
                f'{list(own)[:3]}; is it the weights of another model?'
            )
        learned = [k for k in own if not k.endswith('num_batches_tracked')]
        missing = [k for k in learned if k not in set(used)]
        print_log(
            f'{self.checkpoint}: {len(used)} entries loaded into {type(module).__name__}, '
            f'{len(weights) - len(used)} left over, {len(missing)} of {len(learned)} not in it'
            + (f' (e.g. {missing[:3]})' if missing else ''),
            logger='current',
        )
        load_state_dict(module, {k: weights[k] for k in used}, strict=False, logger='silent')
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())


def rename(weights: dict, own: dict, prefix: str = '') -> dict:
    """`weights` under the names of `own`: strip `prefix` or usual wrappers, add timm's wrapper."""
    if prefix:
        prefix = prefix.rstrip('.') + '.'
        weights = {k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)}
    for wrapper in PREFIXES:
        if weights and all(k.startswith(wrapper) for k in weights):
            weights = {k[len(wrapper) :]: v for k, v in weights.items()}
    timm = 'timm_model.'  # mmpretrain's TIMMBackbone wraps timm's model under this name
    if all(k.startswith(timm) for k in own) and not any(k.startswith(timm) for k in weights):
        weights = {timm + k: v for k, v in weights.items()}
    return weights
