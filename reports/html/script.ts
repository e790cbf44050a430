/**
 * The page's only script: sorts tables, says which of them scroll, highlights an algorithm, shows the numbers under the pointer. The page is
 * complete without it. Text from files is only ever read and set as text.
 */
export const SCRIPT = `
'use strict';
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const root = document.documentElement;

  const key = (cell) => {
    const text = cell.dataset.sort ?? cell.textContent;
    if (cell.classList.contains('number')) return Number(text);
    return text === '' ? null : text;
  };
  const unknown = (value) => value === null || Number.isNaN(value);
  const order = (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    return String(a).localeCompare(String(b), 'en', { numeric: true });
  };
  for (const table of all('table.sortable')) {
    const heads = all('thead th', table);
    heads.forEach((head, column) => head.querySelector('button').addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') !== 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const body = table.tBodies[0];
      const rows = [...body.rows].map((row) => ({ row, value: key(row.cells[column]) }));
      rows.sort((x, y) => {
        if (unknown(x.value) || unknown(y.value)) return unknown(x.value) - unknown(y.value);
        return up ? order(x.value, y.value) : order(y.value, x.value);
      });
      body.append(...rows.map(({ row }) => row));
    }));
  }

  const seen = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const box = target.closest('.scroll');
      const isOver = box.scrollWidth > box.clientWidth + 1;
      box.classList.toggle('over', isOver);
      box.classList.toggle('fits', !isOver);
    }
  });
  for (const box of all('.scroll')) {
    seen.observe(box);
    seen.observe(box.firstElementChild);
  }

  const pinned = new Set();
  const marks = (name) => all('svg [class="' + name + '"], svg [class^="' + name + '-"]');
  const lit = new Set();
  const light = (passing) => {
    const names = passing === undefined || pinned.has(passing) ? [...pinned] : [...pinned, passing];
    for (const mark of lit) mark.classList.remove('hot');
    lit.clear();
    for (const name of names) for (const mark of found(name)) {
      mark.classList.add('hot');
      lit.add(mark);
    }
    root.classList.toggle('highlight', names.length > 0);
  };
  const cache = new Map();
  const found = (name) => {
    if (!cache.has(name)) cache.set(name, marks(name));
    return cache.get(name);
  };
  for (const button of all('.legend button')) {
    const name = button.dataset.mark;
    const show = () => light(name);
    const hide = () => light();
    button.addEventListener('pointerenter', (event) => { if (event.pointerType === 'mouse') show(); });
    button.addEventListener('pointerleave', hide);
    button.addEventListener('focus', () => { if (button.matches(':focus-visible')) show(); });
    button.addEventListener('blur', hide);
    button.addEventListener('click', () => {
      if (!pinned.delete(name)) pinned.add(name);
      button.setAttribute('aria-pressed', String(pinned.has(name)));
      light();
    });
  }

  const tip = document.createElement('div');
  tip.id = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  let shown = null;
  const restore = () => {
    if (shown) shown.title.textContent = shown.text;
    shown = null;
    tip.hidden = true;
  };
  document.addEventListener('pointerover', (event) => {
    const mark = event.target instanceof SVGElement ? event.target : null;
    const title = mark && [...mark.children].find((child) => child.localName === 'title');
    if (shown && title === shown.title) return;
    restore();
    if (!title) return;
    // The browser's own bubble would come later and on top.
    shown = { title, text: title.textContent };
    title.textContent = '';
    tip.textContent = shown.text;
    tip.hidden = false;
  });
  document.addEventListener('pointermove', (event) => {
    if (tip.hidden) return;
    const { offsetWidth: width, offsetHeight: height } = tip;
    tip.style.left = Math.max(4, Math.min(event.clientX + 12, root.clientWidth - width - 4)) + 'px';
    tip.style.top = Math.max(4, event.clientY - height - 12) + 'px';
  });
  document.documentElement.addEventListener('pointerleave', restore);
  addEventListener('beforeprint', restore);
})();`;
