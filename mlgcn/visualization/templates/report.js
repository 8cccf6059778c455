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
