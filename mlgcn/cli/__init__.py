"""The commands: `mlgcn COMMAND`, one module each."""
