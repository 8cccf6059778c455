"""`--resume`: the newest whole checkpoint of a run, and what of it holds for this one."""

import json
import re
from pathlib import Path
from typing import Any

from mmengine.dist import broadcast_object_list, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mlgcn.checkpoints import Checkpoint, CheckpointError, load
from mlgcn.checkpoints.metadata import KEY
from mlgcn.registry import HOOKS

from .hook_state import plain_attributes, set_hook_states
from .hooks import warn
from .resume_differences import config_differences, data_difference, data_digest, table
from .train_loop import ResumableTrainLoop

NAME = re.compile(r'(mid_)?(?:epoch|iter)_(\d+)\.pth')


@HOOKS.register_module()
class ResumeHook(Hook):
    """Hands the run state of a checkpoint to the training loop.

    Where the number of processes, or of iterations per epoch, has changed, the run goes on from
    the beginning of an epoch, with the learning rates of that moment; the log says so.
    """

    priority = 'VERY_HIGH'

    def __init__(self):
        self.done_epochs = 0  # for which new schedules are to be stepped
        self.attributes: dict[str, str] = {}  # of hooks whose state is not saved

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Take the run state out; adapt the rest to another number of processes."""
        state = checkpoint.pop('run_state', None)
        if not runner._resume:
            return
        by_epoch = isinstance(runner.train_loop, ResumableTrainLoop)
        if state is not None and by_epoch:
            self._take(runner, state, checkpoint)
        elif state is None:
            if by_epoch:
                check_whole_epochs(runner, checkpoint['meta'])
            seen = f'{runner._load_from} holds no state of the run'
            runner.logger.warning(f'{seen} (an older one?): random numbers start anew')
        self._compare(runner, state or {}, checkpoint['meta'].get(KEY) or {})

    def _take(self, runner: Runner, state: dict[str, Any], checkpoint: dict[str, Any]) -> None:
        loop = runner.train_loop
        # without a seed in the config, the order of the data was drawn when the run began
        loop.dataloader.sampler.sampler.seed = state['sampler_seed']
        missing = set_hook_states(runner.hooks, state.get('hooks', {}))
        if missing:
            runner.logger.warning(f'{runner._load_from} holds no state of {", ".join(missing)}')
        difference = shape_difference(state, loop)
        if difference is None:
            loop.resumed = state
            return
        epoch = self.done_epochs = checkpoint['meta']['epoch']
        start = f'going on from the beginning of epoch {epoch + 1}'
        runner.logger.warning(f'{runner._load_from} is {difference}: {start}')
        checkpoint['meta']['iter'] = epoch * len(loop.dataloader)
        forget_rates(checkpoint, runner.optim_wrapper)
        if state['position'] == 0:  # a validation may be due; random numbers start anew
            loop.resumed = {**state, 'ranks': None}

    def _compare(self, runner: Runner, state: dict, metadata: dict) -> None:
        """Log what has changed since the checkpoint was saved."""
        if not is_main_process():
            return
        rows = []
        if state.get('data'):
            loop = runner.train_loop
            by_epoch = isinstance(loop, ResumableTrainLoop)
            now = loop.data_digest if by_epoch else data_digest(loop.dataloader.dataset)
            rows += data_difference(state['data'], now)
        if metadata.get('config'):
            saved = json.loads(metadata['config'])
            changed, kept = config_differences(saved, runner.cfg, self.done_epochs > 0)
            rows += changed
            runner.cfg.merge_from_dict(kept)  # later checkpoints state what was in force
        if rows:
            seen = f'{runner._load_from} was saved by a run with other settings'
            runner.logger.warning(f'{seen}; an unbroken run would differ:\n{table(rows)}')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Name, once, hooks whose attributes have changed, which no checkpoint holds."""
        now = plain_attributes(runner.hooks)
        changed = [key for key, value in self.attributes.items() if now.get(key, value) != value]
        if changed:
            told = f'checkpoints do not hold {", ".join(changed)}: a resumed run may differ'
            advice = 'List them in `resumed` of the hook, or give it state_dict and load_state_dict'
            runner.logger.warning(f'{told}. {advice}')
            self.attributes = {}

    def before_train(self, runner: Runner) -> None:
        """Step new schedules to the epoch that the run goes on from; say what cannot resume."""
        self.attributes = plain_attributes(runner.hooks)
        if not isinstance(runner.train_loop, ResumableTrainLoop):
            told = 'data order, augmentation and random numbers of a resumed run start anew'
            expected = 'expected epochs (train_cfg.by_epoch=True, max_epochs) and no type of loop'
            name = type(runner.train_loop).__name__
            runner.logger.warning(f'train_cfg.type={name}: {told}; {expected}')
        schedulers = runner.param_schedulers or []
        if isinstance(schedulers, dict):  # one list per optimizer
            schedulers = [s for group in schedulers.values() for s in group]
        for _ in range(self.done_epochs):
            for by_epoch, times in (False, len(runner.train_loop.dataloader)), (True, 1):
                for scheduler in [s for s in schedulers if s.by_epoch == by_epoch] * times:
                    scheduler.step()


def choose_checkpoint(runner: Runner) -> None:
    """Where a run is to resume from no certain file, take the newest usable one of its folder.

    Without any it starts from the beginning, and says so. Call it before `runner.train`. Raises a
    CheckpointError where the file that was named is damaged.
    """
    if not runner._resume:
        return
    loop = runner.train_loop  # built by all processes
    if runner._load_from is None:
        chosen = [latest_checkpoint(runner.work_dir, loop) if is_main_process() else None]
        broadcast_object_list(chosen)
        runner._load_from = chosen[0]
    if runner._load_from is not None:
        load_whole(runner._load_from)
        return
    runner._resume = False
    others = any(Path(runner.work_dir).glob('*.pth'))
    hint = '. To go on from one of the files there, name it: --resume FILE' * others
    seen = f'--resume: {runner.work_dir} has no checkpoint to go on from'
    runner.logger.warning(f'{seen}; starting from the beginning{hint}')


def latest_checkpoint(work_dir: str | Path, loop: Any = None) -> str | None:
    """The newest whole checkpoint; the log names those that are skipped, and why.

    Args:
        work_dir: the run's; its `last_checkpoint` names the newest.
        loop: skip checkpoints taken within an epoch of another length than this loop's.
    """
    for path in candidates(Path(work_dir)):
        try:
            state = load_whole(path).content.get('run_state')
            within_epoch = loop is not None and state is not None and state['position'] > 0
            difference = shape_difference(state, loop) if within_epoch else None
            reason = difference and f'it was taken within an epoch, and is {difference}'
        except (CheckpointError, OSError) as error:
            reason = str(error)
        if reason is None:
            return str(path)
        warn(f'{path} is skipped: {reason}')
    return None


def candidates(work_dir: Path) -> list[Path]:
    """What `last_checkpoint` names (moved with the folder, if it was), then those before it."""
    try:
        named = Path((work_dir / 'last_checkpoint').read_text().strip())
    except OSError:
        return []
    last = work_dir / named.name
    if not last.exists():
        last = named
    names = {path: NAME.fullmatch(path.name) for path in [last, *last.parent.glob('*.pth')]}
    # mid_epoch_E was taken after epoch_E
    ages = {path: (int(name[2]), bool(name[1])) for path, name in names.items() if name}
    older = [path for path, age in ages.items() if age < ages.get(last, ())]
    return [last, *sorted(older, key=ages.get, reverse=True)]


def load_whole(path: str | Path) -> Checkpoint:
    """A checkpoint to resume, on the CPU, its checksums compared.

    Raises:
        CheckpointError: it is damaged, refused, or holds weights alone.
        FileNotFoundError: it is not there.
    """
    checkpoint = load(str(path))
    if 'optimizer' not in checkpoint.content:
        advice = 'take an epoch_*.pth, or begin a new run with --cfg-options load_from=FILE'
        raise CheckpointError(f'{path}: nothing to resume, no state of an optimizer; {advice}')
    return checkpoint


def shape_difference(state: dict[str, Any], loop: Any) -> str | None:
    """How the number of processes or iterations differs between a run state and `loop`, if so."""
    saved = state['world_size'], state['epoch_length']
    now = get_world_size(), len(loop.dataloader)
    if saved == now:
        return None
    seen = f'of {saved[0]} processes with {saved[1]} iterations an epoch'
    return f'{seen}, but now there are {now[0]} with {now[1]}'


def check_whole_epochs(runner: Runner, meta: dict[str, Any]) -> None:
    """Raise a CheckpointError for a file without a run state that is not at the end of an epoch."""
    length = len(runner.train_loop.dataloader)
    if meta['iter'] != meta['epoch'] * length:
        seen = f'after {meta["iter"]} iterations of epoch {meta["epoch"] + 1}, but here one has'
        told = f'was saved {seen} {length}: by a run that counts iterations, or of other batches'
        advice = '--cfg-options load_from=FILE begins a new run with its weights'
        raise CheckpointError(f'{runner._load_from} {told}; {advice}')


def forget_rates(checkpoint: dict[str, Any], optim_wrapper: Any) -> None:
    """Give a checkpoint's optimizer the new one's learning rates, and remove its schedules."""
    checkpoint.pop('param_schedulers', None)
    saved, fresh = checkpoint['optimizer'], optim_wrapper.state_dict()
    for old, new in zip(saved['param_groups'], fresh['param_groups']):
        old.update({key: value for key, value in new.items() if key != 'params'})
    # with several parameter groups mmengine tracks the base learning rate beside them
    if 'base_param_settings' in fresh:
        saved['base_param_settings'] = fresh['base_param_settings']
