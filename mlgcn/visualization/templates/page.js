const figures = [...document.querySelectorAll('.zoom')];
const dialog = document.querySelector('dialog');
let shown = 0;
const show = index => {
  shown = (index + figures.length) % figures.length;
  const picture = figures[shown].firstElementChild.cloneNode(true);
  dialog.querySelector('figure').replaceChildren(picture, picture.alt);
};
figures.forEach((figure, index) => figure.onclick = () => { show(index); dialog.showModal(); });
dialog.onclick = event => event.target === dialog ? dialog.close() : show(shown + Number(event.target.value ?? 0));
document.onkeydown = event => { if (dialog.open) show(shown + ({ ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0)); };
dialog.onclose = () => figures[shown].focus();

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
