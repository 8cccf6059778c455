"""The base of mlgcn's heads: targets with ignored labels, named losses, raw logits kept."""

from collections.abc import Sequence

import torch
from mmpretrain.models.heads import MultiLabelClsHead
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mlgcn.models.layers.constants import Constant
from mlgcn.models.losses import MultiLabelLoss
from mlgcn.registry import MODELS

BCE = dict(type='mlgcn.BinaryCrossEntropy')


class MultiLabelHead(MultiLabelClsHead):
    """What every head of mlgcn shares; subclasses write ``forward(feats) -> (B, K) logits``.

    It differs from upstream's ``MultiLabelClsHead`` in three things: a label of -1 (difficult,
    unknown) takes no part in the loss; several losses can be named, each logged under its name;
    predictions keep the raw logits (``pred_logits``), because float32 sigmoids tie where logits
    do not and would change AP.

    Args:
        num_classes: K. Left out of a config, the tools fill it in from the data set.
        loss: one loss config, or a dict ``name -> loss config`` (names contain 'loss'). A loss is
            called with ``reduction_override='none'`` and gives one value per label, as upstream's
            ``AsymmetricLoss`` does; these are summed over the labels and divided by B. A
            :class:`mlgcn.models.losses.MultiLabelLoss` gets the unknown labels, too, and its own
            reduction holds.
        mean_over_classes: divide by B * K instead (``nn.MultiLabelSoftMarginLoss``).
        thr: probability from which a label counts as predicted in ``pred_label``.
    """

    # entries of the state_dict that have a row for each class (patterns), and the axes that count
    # classes: `load_from` moves these rows by the names of the classes. Without axes, (): the entry
    # is of use for the same classes alone
    class_tensors: dict[str, tuple[int, ...]] = {}

    def __init__(
        self,
        num_classes: int,
        loss: dict = BCE,
        mean_over_classes: bool = False,
        thr: float = 0.5,
        init_cfg: dict | None = None,
    ):
        if not isinstance(num_classes, int) or num_classes < 1:
            told = f'num_classes must be a positive integer, got {num_classes}'
            raise ValueError(f'{type(self).__name__}: {told} (mlgcn train fills it in)')
        super().__init__(loss=nn.Identity(), thr=thr, init_cfg=init_cfg)
        del self.loss_module
        self.num_classes = num_classes
        self.mean_over_classes = mean_over_classes
        named = {'loss': loss} if 'type' in loss else loss
        self.losses = nn.ModuleDict({name: MODELS.build(cfg) for name, cfg in named.items()})
        for name, module in self.losses.items():
            weights = getattr(module, 'pos_weight', None)
            if isinstance(weights, (list, tuple)) and len(weights) not in (1, num_classes):
                seen = f'{len(weights)} values for {num_classes} classes'
                raise ValueError(f'{name}: pos_weight has {seen}, expected one for each')

    def train(self, mode: bool = True) -> 'MultiLabelHead':
        """As upstream; what a head computed once for inference (:class:`Constant`) is forgotten."""
        for value in vars(self).values():
            if isinstance(value, Constant):
                value.clear()
        return super().train(mode)

    def logits(
        self, feats: Sequence[Tensor], data_samples: Sequence[DataSample] | None = None
    ) -> Tensor:
        """The logits (B, K) of predictions, for heads that read more of a sample than its image."""
        return self(feats)

    def predict(
        self, feats: Sequence[Tensor], data_samples: Sequence[DataSample] | None = None
    ) -> list[DataSample]:
        """The samples, with the fields of :meth:`_get_predictions`."""
        return self._get_predictions(self.logits(feats, data_samples), data_samples)

    def targets(self, data_samples: Sequence[DataSample]) -> Tensor:
        """Ground truth (B, K) of 1 (present), 0 (absent) and -1 (ignored)."""
        target = torch.stack([label_vector(sample, self.num_classes) for sample in data_samples])
        if target.shape[1] != self.num_classes:
            told = f'was built for {self.num_classes} classes, but the labels have'
            raise ValueError(f'{type(self).__name__} {told} {target.shape[1]}')
        return target

    def _get_loss(self, cls_score: Tensor, data_samples: Sequence[DataSample], **kwargs) -> dict:
        """Every named loss as a scalar, in float32 at least: asymmetric loss overflows in fp16."""
        logits = cls_score if cls_score.dtype == torch.float64 else cls_score.float()
        target = self.targets(data_samples).to(logits)
        index = [sample.get('sample_idx') for sample in data_samples]
        index = None if None in index else torch.tensor(index, device=logits.device)
        counted = (target >= 0).to(logits)
        average = logits.numel() if self.mean_over_classes else len(logits)
        losses = {}
        # upstream takes targets (B, 1) for class indices: one class is passed as two equal ones
        shown = (-1, max(self.num_classes, 2))
        for name, module in self.losses.items():
            if isinstance(module, MultiLabelLoss):  # it knows unknown labels and reduces itself
                losses[name] = module(logits, target, index)
                continue
            per_label = module(
                logits.expand(shown),
                target.clamp(min=0).expand(shown),
                reduction_override='none',
                **kwargs,
            )
            if per_label.ndim != 2:
                seen = f'{type(module).__name__} gives values of shape {tuple(per_label.shape)}'
                told = 'expected (B, K); of CrossEntropyLoss: use_sigmoid=True'
                raise ValueError(f'{name}: {seen}, {told}')
            per_label = per_label[:, : self.num_classes]
            losses[name] = (per_label * counted).sum() / average
        return losses

    def _get_predictions(
        self, cls_score: Tensor, data_samples: Sequence[DataSample] | None
    ) -> list[DataSample]:
        """Adds ``pred_score``, ``pred_label`` and ``pred_logits`` ((K,) each) to every sample."""
        logits = cls_score if cls_score.dtype == torch.float64 else cls_score.float()
        samples = super()._get_predictions(logits, data_samples)
        for sample, row in zip(samples, logits):
            sample.set_field(row, 'pred_logits', dtype=Tensor)
        return samples


def label_vector(sample: DataSample, num_classes: int) -> Tensor:
    """Ground truth (K,): `gt_score`, or made of mmpretrain's `gt_label`, the positive indices."""
    if 'gt_score' in sample:
        return sample.gt_score
    vector = torch.zeros(num_classes, dtype=torch.int8, device=sample.gt_label.device)
    vector[sample.gt_label.long()] = 1
    return vector
