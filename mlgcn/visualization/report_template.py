"""What the report adds to the page's frame: sorting, searching, and the precision-recall chart."""

EXTRAS = """<style>
nav a { margin-right: 1rem; } a { color: var(--run0); }
small { font-size: .8em; font-weight: 400; color: var(--soft); white-space: nowrap; }
section { margin-top: 2.5rem; } section h3 { font-size: 1rem; } h4 { margin: .4rem .75rem 0; }
thead button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0;
  padding: 0; cursor: pointer; text-align: inherit; }
thead button::after { content: ' ↕'; color: var(--soft); }
th[aria-sort=ascending] button::after { content: ' ↑'; }
th[aria-sort=descending] button::after { content: ' ↓'; }
td.text { text-align: left; white-space: nowrap; }
td.meaning { text-align: left; min-width: 14rem; }
td.bars { width: 60%; min-width: 9rem; padding-right: 1rem; } .pairs td { line-height: 1.25; }
th.text { text-align: left; }
.sizes td, .pairs td, .classes td { white-space: nowrap; }
.classes { table-layout: auto; } .classes th:first-child { width: auto; min-width: 6rem; }
.bar path { stroke: var(--text); stroke-width: 2; vector-effect: non-scaling-stroke; }
.scroll:has(.long) { max-height: 42rem; overflow: auto; } .long thead th {
  position: sticky; top: 0; background: var(--page); }
input, select { font: inherit; color: inherit; background: var(--card); max-width: 100%;
  border: 1px solid var(--soft); border-radius: .3rem; padding: .25rem .5rem; }
.chart { display: grid; gap: 1rem; grid-template-columns: minmax(0, 36rem) minmax(12rem, 1fr); }
@media (max-width: 45rem) { .scroll th { white-space: normal; }
  .chart { grid-template-columns: minmax(0, 1fr); } }
.chart svg { width: 100%; background: var(--card); border: 1px solid var(--line); }
.chart text { fill: var(--text); font-size: 14px; } .chart .grid { stroke: var(--line); }
.note { padding: .5rem .75rem; border-radius: .3rem; }
@media print { .scroll { overflow: visible !important; max-height: none !important; }
  nav, input, .search { display: none; } article { break-inside: avoid; } thead th {
  position: static !important; } }
</style>
<script>
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(
  details => details.open = true));
addEventListener('DOMContentLoaded', () => {
  const value = (row, i) => { const cell = row.cells[i];
    return cell.dataset.v ?? cell.textContent; };
  document.querySelectorAll('.sortable').forEach(table => {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    heads.forEach((head, i) => head.firstChild.onclick = () => {
      const up = head.getAttribute('aria-sort') == 'descending' || (i == 0 &&
        head.getAttribute('aria-sort') != 'ascending') ? 1 : -1;
      heads.forEach(other => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up > 0 ? 'ascending' : 'descending');
      body.append(...[...body.rows].sort((a, b) => { const [x, y] = [value(a, i), value(b, i)];
        return up * (isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y); })); }); });
  document.querySelectorAll('.search').forEach(input => {
    const rows = [...input.closest('section').querySelector('.searchable').tBodies[0].rows];
    input.oninput = () => rows.forEach(row => row.hidden =
      !row.cells[0].textContent.toLowerCase().includes(input.value.trim().toLowerCase())); });

  const chart = document.getElementById('chart'), told = document.getElementById('told');
  const choice = document.getElementById('curve');
  const data = JSON.parse(document.getElementById('curve-data').textContent);
  const total = data.positives.reduce((a, b) => a + b, 0);
  const add = (name, attributes, text = '') => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    element.textContent = text; chart.append(element); };
  const x = recall => 5 * recall, y = precision => 400 - 4 * precision;
  const curve = (run, which) => {
    if (which == 'macro') return { y: run.macro, at: run.atMacro,
      x: run.macro.map((_, j) => 100 * (j + 1) / run.macro.length), words: `mAP ${run.mAP} %` };
    const pooled = which == 'micro', ys = pooled ? run.micro : run.curves[which];
    const n = pooled ? total : data.positives[which];
    const xs = ys.map((_, j) => 100 * Math.ceil((j + 1) / ys.length * n - 1e-9) / n);
    return { x: xs, y: ys, at: pooled ? run.atMicro : run.at[which], words: pooled
      ? `${n.toLocaleString('en')} positives` : `AP ${run.ap[which] ?? '–'} %, ` +
        `${n.toLocaleString('en')} positives, ${run.predicted[which]} predicted` }; };
  const draw = () => {
    chart.replaceChildren(); told.replaceChildren();
    for (let v = 0; v <= 100; v += 20) {
      add('path', { class: 'grid', d: `M0 ${y(v)}H500M${x(v)} 0V400` });
      add('text', { x: -8, y: y(v) + 5, 'text-anchor': 'end' }, v);
      add('text', { x: x(v), y: 420, 'text-anchor': 'middle' }, v); }
    add('text', { x: 500, y: 440, 'text-anchor': 'end' }, 'recall in %');
    add('text', { x: 6, y: 392 }, 'precision in %');
    const title = document.createElement('h3');
    title.textContent = choice.selectedOptions[0].textContent; told.append(title);
    data.runs.forEach((run, i) => {
      const line = curve(run, choice.value), color = `stroke:var(--run${i});fill:none`;
      add('path', { style: color + ';stroke-width:2.5', d: line.x.map(
        (v, j) => `${j ? 'L' : 'M'}${x(v)} ${y(line.y[j])}`).join('') });
      if (line.x.length == 1) add('circle', { cx: x(line.x[0]), cy: y(line.y[0]), r: 3,
        style: `fill:var(--run${i})` });
      if (line.at) add('circle', { cx: x(line.at[0]), cy: y(line.at[1]), r: 6,
        style: color + ';stroke-width:2.5' });
      const words = document.createElement('p'), key = document.createElement('span');
      key.className = 'key'; key.style.background = `var(--run${i})`;
      words.append(key, `${run.name}: ${line.words}. At the threshold: ` + (line.at
        ? `precision ${line.at[1]} %, recall ${line.at[0]} %.` : 'nothing predicted.'));
      told.append(words); }); };
  choice.onchange = draw; draw();
});
</script>"""
