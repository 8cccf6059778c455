"""Packaging of mlgcn: `pip install -e .` (see README.md for the whole set-up)."""

import re
from pathlib import Path

from setuptools import Extension, find_packages, setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """Requirement lines of requirements/NAME.txt, without comments."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in map(str.strip, lines) if line and not line.startswith(('#', '-'))]


# Portable machine code for several instruction sets, called by ctypes (mlgcn/ops/c_kernels.py).
# Optional: where it can't be compiled, mlgcn works without it, slower.
C = 'mlgcn/ops/_c'
KERNELS = Extension(
    'mlgcn.ops._c.kernels',
    sources=[f'{C}/kernels.c'],
    depends=[f'{C}/{name}.c' for name in ('graph', 'knn', 'norm_gelu', 'order', 'ranking')],
    extra_compile_args=['-O3', '-fno-math-errno', '-fno-trapping-math'],
    optional=True,
)

setup(
    name='mlgcn',
    version=re.search(r"__version__ = '(.+)'", (ROOT / 'mlgcn/__init__.py').read_text()).group(1),
    description='Multi-label image recognition with graph networks, on mmengine and mmpretrain',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Topic :: Scientific/Engineering :: Image Recognition',
        *(f'Programming Language :: Python :: 3.{minor}' for minor in range(10, 14)),
    ],
    python_requires='>=3.10',
    # configs/ is installed as mlgcn/configs, so that configs have names from any folder
    packages=[*find_packages(include=['mlgcn', 'mlgcn.*']), 'mlgcn.configs'],
    package_dir={'mlgcn.configs': 'configs'},
    package_data={
        'mlgcn': [f'**/*.{suffix}' for suffix in ('json', 'c', 'j2', 'css', 'js')],
        'mlgcn.configs': ['**/*.py', '**/*.yml', '**/*.md'],
    },
    ext_modules=[KERNELS],
    entry_points={'console_scripts': ['mlgcn = mlgcn.cli:main']},
    install_requires=requirements('runtime'),
    extras_require={'optional': requirements('optional'), 'tests': requirements('tests')},
)
