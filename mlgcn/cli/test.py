"""Score a checkpoint: mlgcn test CONFIG CKPT --metrics mAP CF1 (or all)."""

import argparse

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mlgcn.atomic_files import refuse_existing
from mlgcn.checkpoints import load
from mlgcn.checkpoints.recognise import fit_model
from mlgcn.engine.config import build_dataset, fit_to_data
from mlgcn.evaluation import Calibration
from mlgcn.messages import printable
from mlgcn.models.mirror_average import use_mirror_average

from . import arguments


class FirstScores(Hook):
    """Keeps the first table and scores file where EMAHook scores the plain weights afterwards."""

    priority = 'VERY_HIGH'  # before EMAHook does

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        metric = runner.test_evaluator.metrics[0]
        self.table, metric.out_file = getattr(metric, 'table', None), None  # rank 0 has it


def main(args: argparse.Namespace) -> None:
    if args.out:
        refuse_existing(args.out, args.force)
    cfg = arguments.load_run(args)
    checkpoint = load(args.checkpoint)
    evaluator = cfg.test_evaluator
    evaluator = evaluator[0] if isinstance(evaluator, list) else evaluator
    evaluator.report = args.metrics
    evaluator.protocol = args.protocol or evaluator.get('protocol', 'addgcn')
    evaluator.per_class = args.per_class
    evaluator.out_file, evaluator.weights_sha256 = args.out, checkpoint.sha256

    test_set = build_dataset(cfg, 'test_dataloader', checkpoint.stated_classes)
    checkpoint.check_classes(test_set.metainfo['classes'])
    fit_to_data(cfg, test_set.metainfo['classes'])
    fit_model(cfg.model, checkpoint.weights)
    if args.tta:
        use_mirror_average(cfg.model)
    if 'ema_state_dict' not in checkpoint.content:  # one set of weights: it is scored once
        cfg.custom_hooks = [h for h in cfg.get('custom_hooks', ()) if h.type != 'EMAHook']
    cfg.load_from, cfg.resume = args.checkpoint, False  # loaded once the hooks (EMA) are ready
    runner = Runner.from_cfg(cfg)
    checkpoint.check_fits(runner.model)
    runner._test_dataloader['dataset'] = test_set  # built once, not twice
    if 'calibration' in checkpoint.metadata:  # goes into the scores file
        calibration = Calibration.from_metadata(
            checkpoint.metadata, len(test_set.metainfo['classes'])
        )
        runner.test_loop.evaluator.metrics[0].calibration = calibration
    runner.register_hook(first := FirstScores())
    with arguments.progress(args, runner):
        runner.test()
    if is_main_process():
        table = runner.test_evaluator.metrics[0].table
        if table is not first.table:
            average = f'Their moving average, which predict uses:\n{first.table}'
            table = f'Plain weights:\n{table}\n{average}'
        print(printable(table))
