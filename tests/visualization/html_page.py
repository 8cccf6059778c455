"""A page as a browser's parser sees it."""

import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """Links, tables, headings, cards and figures of a page.

    Fails on tags that are not closed, an id given twice, a link to an id that is not there, and
    anything that would be loaded from elsewhere.
    """

    void = {'meta', 'img', 'input', 'br', 'image', 'use'}

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.ids, self.scripts = [], [], [], []
        self.cards, self.rows, self.headings, self.figures = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [] and len(set(self.ids)) == len(self.ids)
        inside = {link[1:] for link in self.links if link.startswith('#')}
        assert inside <= set(self.ids), inside - set(self.ids)
        outside = [link for link in self.links if not link.startswith('#')]
        assert all(link.startswith('data:image/') for link in outside)
        assert not re.search(r'(src|href)=.?https?:|url\((?!#)|@import|import\(', text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.links += [attrs[name] for name in ('src', 'href', 'xlink:href') if name in attrs]
        self.ids += [attrs['id']] if 'id' in attrs else []
        if tag == 'img':
            self.figures.append(attrs['alt'])
        if tag in ('article', 'h2', 'h3'):
            (self.cards if tag == 'article' else self.headings).append('')
        if tag == 'tr':
            self.rows.append([])
        if tag in ('td', 'th'):
            self.rows[-1].append('')
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.void:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        text = ' '.join(data.split())
        if 'script' in self.open:
            self.scripts.append(data)
        for tag, found in (('article', self.cards), ('h2', self.headings), ('h3', self.headings)):
            if tag in self.open:
                found[-1] = f'{found[-1]} {text}'.strip()
        if 'tr' in self.open and self.rows[-1]:
            self.rows[-1][-1] = f'{self.rows[-1][-1]} {text}'.strip()
