"""The frame of the HTML pages: style for light and dark, and click to enlarge."""

from string import Template

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --page: #f6f6f4; --card: #fff; --text: #1d2127; --soft: #5b6470;
  --line: #d5d8dc; --right: #d8f0de; --right-text: #0c4a20; --wrong: #fbdcdc; --wrong-text: #7d1212;
  --run0: #2f6bd0; --run1: #c96f12; --run2: #0e8a7d; --run3: #8a4fc0;
  --run4: #c2397e; --run5: #66801f; }
@media screen and (prefers-color-scheme: dark) { :root {
  --page: #15181c; --card: #1f2429; --text: #e8eaed; --soft: #a3abb5; --line: #3a4149;
  --right: #17402a; --right-text: #b9eec8; --wrong: #521d1f;
  --wrong-text: #ffcfcf; --run0: #78a6f5; --run1: #f0a04b; --run2: #4cc4b6; --run3: #bd92e8;
  --run4: #ee82b4; --run5: #b4cc62; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 80rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2, summary { font-size: 1.2rem; font-weight: 600; }
h2 { margin: 2rem 0 .5rem; } summary { margin: 2rem 0 .5rem; cursor: pointer; }
.soft { color: var(--soft); } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .75rem .25rem 0; text-align: right; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { font-weight: 600; }
th:first-child, th.bars { text-align: left; } .scroll th { white-space: nowrap; }
.classes { width: 100%; table-layout: fixed; } .classes th:first-child { width: 28%; }
.classes th { overflow-wrap: break-word; } .classes .count { width: 6rem; }
td.bars { padding-right: 0; }
.bar { display: flex; gap: .5rem; align-items: center; line-height: 1.25; }
.bar svg { flex: 1; width: 0; min-width: 5rem; height: .6rem; background: var(--line); }
.bar span { width: 3rem; }
.key { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; }
.gallery { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
article { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  overflow: hidden; padding-bottom: .5rem; }
article > * { margin: .4rem .75rem; } h3 { font-size: .85rem; overflow-wrap: anywhere; }
.zoom { display: block; margin: 0; width: 100%; padding: 0; border: 0; cursor: zoom-in;
  background: var(--line); } .zoom img { display: block; width: 100%; height: 13rem;
  object-fit: contain; } .none { display: grid; place-items: center; height: 13rem; margin: 0;
  background: var(--line); }
:focus-visible { outline: 3px solid var(--run0); outline-offset: -3px; }
.chip { display: inline-block; padding: 0 .45rem; margin: .1rem .15rem .1rem 0;
  border: 1.5px solid transparent; border-radius: .6rem; font-size: .85rem; }
.right { background: var(--right); color: var(--right-text); }
.wrong { background: var(--wrong); color: var(--wrong-text); }
.missed { border: 1.5px dashed currentcolor; } .unknown { background: var(--line); }
dialog { max-width: 96vw; padding: .5rem; border: 0; background: var(--card); color: var(--text); }
dialog img { display: block; max-width: 92vw; max-height: 84vh; min-width: min(92vw, 30rem);
  object-fit: contain; } dialog::backdrop { background: #000a; }
</style>
</head>
<body>
<h1>$title</h1>
$sections
<dialog aria-label="Photograph"><img alt=""><p></p><button autofocus>Close</button></dialog>
<script>
const dialog = document.querySelector('dialog'), large = dialog.querySelector('img');
document.querySelectorAll('.zoom').forEach(button => button.onclick = () => {
  const small = button.querySelector('img');
  large.src = small.src; large.alt = dialog.querySelector('p').textContent = small.alt;
  dialog.showModal(); });
dialog.onclick = () => dialog.close();
</script>
</body>
</html>
""")
