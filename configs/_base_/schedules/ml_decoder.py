# ML-Decoder's recipe: ASL's with 40 epochs, a whole cycle, and batches of 56.
_base_ = './asl.py'

param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=40, total_steps=40)
param_scheduler[1].end = param_scheduler[2].begin = 8
param_scheduler[2].end = 40
train_cfg = dict(max_epochs=40)
auto_scale_lr = dict(base_batch_size=56)
