"""`python -m mlgcn COMMAND`: the same as `mlgcn COMMAND`."""

from mlgcn.cli import main

if __name__ == '__main__':
    main()
