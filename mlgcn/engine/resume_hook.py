"""`--resume`: which checkpoint, and what of it holds for this run."""

from pathlib import Path
from typing import Any

from mmengine.dist import broadcast_object_list, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mlgcn.checkpoints.error import CheckpointError
from mlgcn.registry import HOOKS

from .latest_checkpoint import latest_checkpoint, load_whole
from .train_loop import ResumableTrainLoop


@HOOKS.register_module()
class ResumeHook(Hook):
    """Hands the run state of the checkpoint to the training loop.

    Where the number of processes, or of iterations per epoch, has changed, the run goes on from
    the beginning of an epoch, with the learning rates of that moment; the log says so.
    """

    priority = 'VERY_HIGH'

    def __init__(self):
        self.rewind: int | None = None  # epochs for which the fresh schedules are to be stepped

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Take the run state out; adapt the rest where it was another number of processes.

        Raises:
            CheckpointError: the checkpoint holds no optimizer's state.
        """
        state = checkpoint.pop('run_state', None)
        if not runner._resume:
            return
        if 'optimizer' not in checkpoint:
            raise CheckpointError(
                f'{runner._load_from}: nothing to resume, it holds no state of an optimizer. Take '
                'an epoch_*.pth, or start a new run from its weights with --cfg-options '
                'load_from=FILE'
            )
        if state is None:
            runner.logger.warning(
                f'{runner._load_from} holds no state of the run (an older one?): random numbers '
                'start anew'
            )
            return
        loop = runner.train_loop
        if not isinstance(loop, ResumableTrainLoop):
            return
        loop.dataloader.sampler.seed = state['sampler_seed']
        shape = get_world_size(), len(loop.dataloader)
        if shape == (state['world_size'], state['epoch_length']):
            loop.resumed = state
            return
        self.rewind = epoch = checkpoint['meta']['epoch']
        runner.logger.warning(
            f'{runner._load_from} is {of_another(state, shape)}: going on from the beginning of '
            f'epoch {epoch + 1}'
        )
        checkpoint['meta']['iter'] = epoch * shape[1]
        forget_rates(checkpoint, runner.optim_wrapper)
        if state['position'] == 0:
            loop.resumed = {**state, 'ranks': None}

    def before_train(self, runner: Runner) -> None:
        """Bring fresh schedules to the epoch that the run goes on from."""
        if self.rewind is None:
            return
        for _ in range(self.rewind):
            for _ in range(len(runner.train_loop.dataloader)):
                step(runner.param_schedulers, by_epoch=False)
            step(runner.param_schedulers, by_epoch=True)


def choose_checkpoint(runner: Runner) -> None:
    """Where a run is to resume from no certain file, take the newest whole one of its folder.

    Without any it starts from the beginning, and says so. Call it before `runner.train`.

    Raises:
        CheckpointError: the file that was named is damaged.
    """
    if not runner._resume:
        return
    if runner._load_from is not None:
        load_whole(runner._load_from)
        return
    shape = get_world_size(), len(runner.train_loop.dataloader)
    chosen = [None]
    if is_main_process():
        chosen = [latest_checkpoint(runner.work_dir, lambda c: misfit(c.get('run_state'), shape))]
    broadcast_object_list(chosen)
    runner._load_from = chosen[0]
    if chosen[0] is None:
        runner._resume = False
        others = any(Path(runner.work_dir).glob('*.pth'))
        runner.logger.warning(
            f'--resume: {runner.work_dir} has no checkpoint to go on from; starting from the '
            'beginning'
            + ('. To go on from one of the files there, name it: --resume FILE' if others else '')
        )


def misfit(state: dict[str, Any] | None, shape: tuple[int, int]) -> str | None:
    """Why a checkpoint with this run state is no start for (processes, iterations an epoch)."""
    if state is None or state['position'] == 0:
        return None
    if shape == (state['world_size'], state['epoch_length']):
        return None
    return f'it was taken within an epoch, and is {of_another(state, shape)}'


def of_another(state: dict[str, Any], shape: tuple[int, int]) -> str:
    """In words: how many processes and iterations there were, and are."""
    return (
        f'of {state["world_size"]} processes with {state["epoch_length"]} iterations an epoch, '
        f'but now there are {shape[0]} with {shape[1]}'
    )


def forget_rates(checkpoint: dict[str, Any], optim_wrapper: Any) -> None:
    """Give a checkpoint's optimizer the fresh one's learning rates, and remove its schedules."""
    checkpoint.pop('param_schedulers', None)
    saved, fresh = checkpoint['optimizer'], optim_wrapper.state_dict()
    for old, new in zip(saved['param_groups'], fresh['param_groups']):
        old.update({key: value for key, value in new.items() if key != 'params'})
    if 'base_param_settings' in fresh:
        saved['base_param_settings'] = fresh['base_param_settings']


def step(schedulers: Any, by_epoch: bool) -> None:
    """One step of the schedules that count epochs, or of those that count iterations."""
    lists = schedulers.values() if isinstance(schedulers, dict) else [schedulers or []]
    for scheduler in (s for group in lists for s in group):
        if scheduler.by_epoch == by_epoch:
            scheduler.step()
