"""Style and script of inline SVG figures: thumbnails, enlarged by click or key."""

STYLE = """<style>
:root { --edge: #1f6fc0; }
@media screen and (prefers-color-scheme: dark) { :root { --edge: #6fb1f2; } }
.shared { position: absolute; width: 0; height: 0; }
.figures { display: grid; gap: .75rem; align-items: start; margin: .75rem 0 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
.facts { display: grid; gap: 1.5rem; align-items: start;
  grid-template-columns: minmax(0, 20rem) minmax(0, 1fr); }
.figures.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
@media (max-width: 40rem) { .facts { grid-template-columns: minmax(0, 1fr); } }
section > h3 { font-size: 1.1rem; margin: 1.5rem 0 0; } section > p { margin: .25rem 0 .75rem;
  max-width: 55rem; } h2 { overflow-wrap: anywhere; } nav a { color: inherit; }
.figure { display: block; width: 100%; padding: 0; cursor: zoom-in; font: inherit;
  color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .4rem;
  overflow: hidden; } .figure svg { display: block; width: 100%; height: auto; }
.viewer { width: max-content; max-width: 98vw; max-height: 98vh; overflow: auto; }
.viewer svg { display: block; max-width: none; height: auto; }
.viewer form { position: sticky; left: 0; width: min(94vw, 100%); display: flex; gap: .5rem;
  justify-content: center; margin-bottom: .5rem; }
.viewer button { font: inherit; padding: .2rem .8rem; }
</style>"""

# The dialog is made at the first click. A figure is shown at its own size at least, and scrolls.
SCRIPT = """<script>
{
  const figures = [...document.querySelectorAll('.figure')];
  let viewer, shown = 0;
  const show = index => {
    shown = (index + figures.length) % figures.length;
    const svg = figures[shown].querySelector('svg').cloneNode(true);
    const { width, height } = svg.viewBox.baseVal;
    const fitted = Math.min(innerWidth * .94, innerHeight * .86 * width / height);
    svg.style.width = (width > 1.5 * fitted ? width : fitted) + 'px';
    viewer.lastChild.replaceChildren(svg);
    viewer.scrollTo(0, 0);
    viewer.setAttribute('aria-label', svg.getAttribute('aria-label'));
  };
  const make = () => {
    viewer = document.createElement('dialog');
    viewer.className = 'viewer';
    viewer.innerHTML = '<form method="dialog"><button type="button">Previous</button>'
      + '<button type="button">Next</button><button autofocus>Close</button></form><div></div>';
    const [previous, next] = viewer.querySelectorAll('button');
    previous.onclick = () => show(shown - 1);
    next.onclick = () => show(shown + 1);
    viewer.addEventListener('click', event => event.target === viewer && viewer.close());
    viewer.addEventListener('close', () => figures[shown].focus());
    viewer.addEventListener('keydown', event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) { event.preventDefault(); show(shown + step); }
    });
    document.body.append(viewer);
  };
  const rules = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules]).filter(
    rule => rule.media && rule.media.mediaText.includes('prefers-color-scheme: dark'));
  let dark = matchMedia('(prefers-color-scheme: dark)').matches;
  document.querySelector('.theme').onclick = () => {
    dark = !dark;
    document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
    rules.forEach(rule => rule.media.mediaText = dark ? 'screen' : 'not all');
  };
  figures.forEach((figure, index) => figure.onclick = () => {
    viewer || make(); show(index); viewer.showModal(); });
}
</script>"""
