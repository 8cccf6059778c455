"""A run of a linear model on four numbers a sample, in this process."""

import itertools

import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from torch import nn
from torch.utils.data import Dataset

NUMBER = itertools.count()


class Net(BaseModel):
    """Normalised, then linear."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.linear = nn.Linear(4, 1)

    def forward(self, inputs, data_samples, mode='tensor'):
        if mode == 'predict':
            return data_samples
        return dict(loss=self.linear(self.norm(torch.stack(inputs))).square().mean())


class Numbers(Dataset):
    """Sample i is called `i.jpg`; those in `bad` are NaN."""

    metainfo = dict(classes=('a',))

    def __init__(self, length, bad=()):
        draw = torch.Generator().manual_seed(0)
        self.values = torch.randn(length, 4, generator=draw)
        self.values[list(bad)] = torch.nan

    def __len__(self):
        return len(self.values)

    def get_data_info(self, index):
        return dict(img_path=f'{index}.jpg', gt_score=self.values[index].tolist())

    def __getitem__(self, index):
        sample = DataSample(metainfo=dict(img_path=f'{index}.jpg'))
        return dict(inputs=self.values[index], data_samples=sample)


def runner(work_dir, dataset, hooks, *, batch_size=2, epochs=2, **changes):
    """A Runner that has not started: SGD, cosine by iteration, samples in their order."""
    hooks = {
        'timer': None,
        'logger': dict(type='LoggerHook', interval=1),
        'checkpoint': dict(type='mlgcn.RunCheckpointHook', interval=1, max_keep_ckpts=2),
        'resume': dict(type='mlgcn.ResumeHook'),
        **hooks,
    }
    torch.manual_seed(0)
    arguments = dict(
        model=Net(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=dataset, sampler=dict(type='DefaultSampler', shuffle=False),
            batch_size=batch_size,
        ),
        train_cfg=dict(type='mlgcn.ResumableTrainLoop', max_epochs=epochs),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, end=1, convert_to_iter_based=True),
            dict(type='MultiStepLR', milestones=[1], gamma=0.5),
        ],
        default_hooks=hooks,
        default_scope='mmpretrain',
        randomness=dict(seed=0),
        experiment_name=str(next(NUMBER))  # names of runs are global,
    )  # fmt: skip
    return Runner(**{**arguments, **changes})


def rates(run):
    """The learning rate of every group."""
    return [group['lr'] for group in run.optim_wrapper.optimizer.param_groups]
