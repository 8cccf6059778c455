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
dialog.onkeydown = event => show(shown + ({ ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0));
dialog.onclose = () => figures[shown].focus();
