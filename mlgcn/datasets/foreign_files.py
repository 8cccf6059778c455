"""Files among people's images that cannot be read as one: what they are, and what would help."""

import re

# Name of the kind: (its first bytes, what to do).
KINDS = {
    'HEIC': (rb'....ftyp(hei|hev|mif1|msf1)', 'install pillow-heif, or convert it to JPEG'),
    'AVIF': (rb'....ftypavi', 'install a newer Pillow, or convert it to JPEG'),
    "a camera's raw file": (
        rb'II\*\0....CR|....ftypcrx|FUJIFILMCCD-RAW|II(RO|U\0)',
        'convert it to JPEG with a raw developer',
    ),
    'JPEG XL': (rb'\xff\n|\0\0\0\x0cJXL ', 'convert it to JPEG or PNG'),
    'Photoshop': (rb'8BPS', 'export it as JPEG or PNG'),
    'PDF': (rb'%PDF', 'export its pages as PNG'),
    'PostScript': (rb'%!PS|\xc5\xd0\xd3\xc6', 'export it as PNG'),
    'SVG': (rb'\s*(<\?xml.*)?<svg', 'export it as PNG'),
    'a web page': (rb'\s*<(!doctype )?html', 'download the image itself'),
    'a git-lfs pointer': (rb'version https://git-lfs', 'run git lfs pull'),
    'a video': (rb'....ftyp(isom|mp4|qt|avc|iso)|RIFF....AVI', 'extract its frames'),
}
RAW_ENDINGS = ('.cr2', '.nef', '.arw', '.dng', '.orf', '.rw2', '.raf', '.cr3', '.pef', '.srw')
# Files of these endings are meant as images; a folder walk does not pass over them in silence.
ENDINGS = {*RAW_ENDINGS, '.heic', '.heif', '.avif', '.jxl', '.psd', '.svg', '.eps', '.pdf'}
SYSTEM_NAMES = {
    *('.ds_store', 'thumbs.db', 'desktop.ini', '@eadir', '.ipynb_checkpoints', '__macosx'),
    *('.trashes', '.spotlight-v100', '.git'),
}


def is_system_file(name: str) -> bool:
    """Whether an operating system or a program, not a person, put the file of this name there."""
    return name.startswith('._') or name.lower() in SYSTEM_NAMES


def is_raw(name: str, start: bytes) -> bool:
    """A camera's raw file: most are TIFF files of which Pillow would open the small preview."""
    pattern = KINDS["a camera's raw file"][0]
    return name.lower().endswith(RAW_ENDINGS) or bool(re.match(pattern, start, re.DOTALL))


def what_is(name: str, start: bytes) -> str:
    """What a file is that is no image, from its name and first bytes; '' if that is unknown."""
    kinds = [k for k, (p, _) in KINDS.items() if re.match(p, start, re.DOTALL | re.IGNORECASE)]
    if not kinds and is_raw(name, start):
        kinds = ["a camera's raw file"]
    return f'{kinds[0]}: {KINDS[kinds[0]][1]}' if kinds else ''
