"""Pages of templates: escaped, complete, whole files."""

import base64
import io

import pytest
from jinja2 import DictLoader, UndefinedError
from PIL import Image

from mlgcn.visualization import page


@pytest.fixture
def template(monkeypatch):
    environment = page._environment.__wrapped__()
    environment.loader = DictLoader({'a.j2': '<p title="{{ name }}">{{ name }}</p>'})
    monkeypatch.setattr(page, '_environment', lambda: environment)


def test_values_are_escaped_and_none_may_be_missing(template, tmp_path):
    page.write_page(tmp_path / 'new/a.html', 'a.j2', name='"<b>ä')
    escaped = '&#34;&lt;b&gt;ä'
    assert (tmp_path / 'new/a.html').read_text('utf-8') == f'<p title="{escaped}">{escaped}</p>'
    with pytest.raises(UndefinedError, match='name'):
        page.write_page(tmp_path / 'b.html', 'a.j2')
    assert not (tmp_path / 'b.html').exists()


def test_an_image_in_a_link():
    head, data = page.data_uri(Image.new('RGB', (5, 3), 'red')).split(',')
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == 'data:image/jpeg;base64' and (image.format, image.size) == ('JPEG', (5, 3))
