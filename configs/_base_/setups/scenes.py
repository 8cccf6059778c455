# The built-in data set on a narrow ResNet-18: everything but the head (128 channels) and schedule.
_base_ = ['../models/resnet18_narrow.py', '../datasets/scenes.py', '../default_runtime.py']
