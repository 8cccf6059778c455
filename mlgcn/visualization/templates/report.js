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
  const rows = [...document.querySelector('.searchable tbody').rows];
  rows.forEach(row => row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted));
  const none = rows.every(row => row.hidden);
  document.querySelector('[role=status]').textContent = none ? `no class has "${wanted}" in its name` : '';
};

const choice = document.getElementById('curve');
choice.onchange = () => document.querySelectorAll('.curve').forEach((curve, i) => curve.hidden = i !== choice.selectedIndex);
choice.onchange();
