# Own photographs on a small frozen backbone, in minutes without a GPU: everything but the head
# (320 channels) and the schedule.
_base_ = ['../models/lite0_frozen.py', '../datasets/own_224_lite0.py', '../default_runtime.py']
