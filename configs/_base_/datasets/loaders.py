# How batches are made, whatever the data: every data config builds on this.
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    collate_fn=dict(type='default_collate'),  # one tensor a batch: all images have one size
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=True))
val_dataloader = {**train_dataloader, 'sampler': dict(type='DefaultSampler', shuffle=False)}
test_dataloader = val_dataloader
