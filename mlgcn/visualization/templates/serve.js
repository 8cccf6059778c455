const SHOWN_BELOW = 3;  // labels below their thresholds, in grey
const photos = [];  // {file, probabilities, error, article, attention}
const sliders = [...document.querySelectorAll('.threshold')];
const thresholds = [...stated];  // exact, until a slider is moved
const message = document.querySelector('[role=status]');
const percent = p => `${(100 * p).toFixed(1)} %`;

const send = async (path, file) => {
  if (file.size > mostBytes) throw Error(`larger than ${mostBytes >> 20} MiB`);
  const headers = { 'content-type': 'application/octet-stream' };
  const answer = await fetch(path, { method: 'POST', headers, body: file });
  if (!answer.ok) throw Error(await answer.text());
  return answer.json();
};

const look = async (photo, label) => {
  const canvas = photo.article.querySelector('canvas');
  photo.wanted = label;
  canvas.hidden = true;
  if (label === null) return;
  photo.attention[label] ??= send(`attention/${label}`, photo.file);
  let rows;
  try { rows = await photo.attention[label]; } catch (error) { message.textContent = error.message; }
  if (photo.wanted !== label || !rows) return;
  [canvas.width, canvas.height] = [rows[0].length, rows.length];
  const pen = canvas.getContext('2d');
  rows.forEach((row, y) => row.forEach((value, x) => {
    pen.fillStyle = `rgb(255 90 0 / ${0.75 * value})`;
    pen.fillRect(x, y, 1, 1);
  }));
  canvas.hidden = false;
};

const labelButton = (photo, label) => {
  const button = document.createElement('button'), bar = document.createElement('progress');
  const p = photo.probabilities[label], name = document.createElement('span');
  const number = document.createElement('small');
  name.textContent = classes[label];
  bar.value = p;
  number.textContent = percent(p);
  button.title = `threshold ${percent(thresholds[label])}`;
  button.className = p >= thresholds[label] ? 'present' : 'soft';
  button.append(name, bar, number);
  button.onpointerenter = button.onfocus = () => look(photo, label);
  button.onpointerleave = button.onblur = () => look(photo, null);
  return button;
};

const draw = photo => {
  const order = classes.map((_, label) => label);
  order.sort((a, b) => photo.probabilities[b] - photo.probabilities[a]);
  const present = order.filter(label => photo.probabilities[label] >= thresholds[label]);
  const below = order.filter(label => !present.includes(label)).slice(0, SHOWN_BELOW);
  const buttons = [...present, ...below].map(label => labelButton(photo, label));
  photo.present = present.map(label => classes[label]);
  photo.article.querySelector('.labels').replaceChildren(...buttons);
  photo.article.querySelector('.unlabelled').hidden = present.length > 0;
};

const refresh = () => {
  sliders.forEach((slider, label) => slider.closest('tr').querySelector('output').value = thresholds[label].toFixed(2));
  photos.filter(photo => photo.probabilities).forEach(draw);
};

const setThresholds = values => {
  values.forEach((value, label) => { thresholds[label] = value; sliders[label].value = value; });
  refresh();
};

const add = async files => {
  for (const [i, file] of files.entries()) {
    message.textContent = `Reading ${i + 1} of ${files.length}: ${file.name}`;
    const article = document.querySelector('template').content.firstElementChild.cloneNode(true);
    const photo = { file, article, attention: {}, present: [] };
    article.querySelector('h4').textContent = file.name;
    try {
      const { picture, probabilities } = await send('predict', file);
      photo.probabilities = probabilities;
      Object.assign(article.querySelector('img'), { src: picture, alt: file.name });
      draw(photo);
    } catch (error) {
      photo.error = error.message;
      article.querySelector('.seen').remove();
      article.querySelector('.labels').textContent = photo.error;
    }
    photos.push(photo);
    document.getElementById('photos').prepend(article);
    document.getElementById('csv').disabled = false;
  }
  message.textContent = `${photos.length} photographs`;
};

const input = document.querySelector('[type=file]');
input.onchange = async () => { await add([...input.files]); input.value = ''; };
document.ondragover = event => event.preventDefault();
document.ondrop = event => { event.preventDefault(); add([...event.dataTransfer.files]); };
sliders.forEach((slider, label) => slider.oninput = () => { thresholds[label] = Number(slider.value); refresh(); });
const all = document.getElementById('all');
all.oninput = () => setThresholds(classes.map(() => Number(all.value)));
document.getElementById('reset').onclick = () => setThresholds(stated);

document.getElementById('csv').onclick = () => {
  const quoted = value => /[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value;
  const rows = photos.map(p => [p.file.name, p.present.join('|'), p.error ?? '', ...(p.probabilities ?? [])]);
  const lines = [['image', 'labels', 'error', ...classes], ...rows].map(row => row.map(quoted).join(',') + '\n');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(lines, { type: 'text/csv' }));
  link.download = 'predictions.csv';
  link.click();
  URL.revokeObjectURL(link.href);
};
setThresholds(stated);
