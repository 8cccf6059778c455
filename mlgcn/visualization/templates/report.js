addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(part => part.open = true));

const valueOf = cell => cell.dataset.v ?? cell.textContent.replace(/[,%]/g, '').trim();
document.querySelectorAll('.sortable').forEach(table => {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, i) => {
    const button = document.createElement('button');
    button.append(...head.childNodes);
    head.append(button);
    button.onclick = () => {
      const down = head.ariaSort ? head.ariaSort === 'ascending' : i > 0;
      heads.forEach(other => other.ariaSort = null);
      head.ariaSort = down ? 'descending' : 'ascending';
      const compare = (a, b) => isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
      const rows = [...body.rows].map(row => [valueOf(row.cells[i]), row]);
      rows.sort(([a], [b]) => (down ? -1 : 1) * compare(a, b));
      body.append(...rows.map(([, row]) => row));
    };
  });
});

document.querySelector('[type=search]').oninput = event => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const row of document.querySelector('.searchable tbody').rows)
    row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
};

const curves = JSON.parse(document.getElementById('curve-data').textContent);
const choice = document.getElementById('curve');
choice.onchange = () => curves[choice.value].forEach((curve, i) => {
  const [line, circle] = document.querySelectorAll('#chart g')[i].children;
  const [recall, precision] = curve.circle;
  line.setAttribute('points', curve.points);
  circle.setAttribute('visibility', curve.circle.length ? 'visible' : 'hidden');
  circle.setAttribute('cx', recall ?? 0);
  circle.setAttribute('cy', precision ?? 0);
  document.querySelectorAll('.words')[i].textContent = curve.circle.length
    ? `precision ${precision} %, recall ${recall} % at the threshold` : 'nothing predicted';
});
choice.onchange();
