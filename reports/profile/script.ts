/**
 * What the page of a profile adds to the script of all pages: arrow keys in the heat map, its numbers beside the field
 * that has the focus, and a method's page that opens when a link leads there. The page is complete without it.
 */
export const PROFILE_SCRIPT = `
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const tip = document.getElementById('tip');

  for (const table of all('.heat table')) {
    const rows = () => [...table.tBodies[0].rows].map((row) => all('a', row));
    // One stop for the Tab key; arrows go on from there.
    const stop = (link) => {
      for (const other of all('tbody a', table)) other.tabIndex = -1;
      link.tabIndex = 0;
    };
    const first = rows()[0]?.[0];
    if (first) stop(first);
    table.addEventListener('focusin', ({ target }) => {
      if (target.localName !== 'a') return;
      stop(target);
      if (!target.matches(':focus-visible') || !target.title) return;
      const { left, bottom } = target.getBoundingClientRect();
      tip.textContent = target.title;
      tip.hidden = false;
      tip.style.left = Math.max(4, Math.min(left, document.documentElement.clientWidth - tip.offsetWidth - 4)) + 'px';
      tip.style.top = bottom + 4 + 'px';
    });
    table.addEventListener('focusout', () => { tip.hidden = true; });
    table.addEventListener('keydown', (event) => {
      const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const move = moves[event.key];
      if (!move || event.target.localName !== 'a') return;
      const grid = rows();
      const row = grid.findIndex((links) => links.includes(event.target));
      const next = grid[row + move[0]]?.[grid[row].indexOf(event.target) + move[1]];
      event.preventDefault();
      next?.focus();
    });
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape') tip.hidden = true; });
  }

  const open = () => {
    const target = document.getElementById(location.hash.slice(1));
    const page = target?.closest('details.method');
    if (!page || page.open) return;
    page.open = true;
    target.scrollIntoView();
  };
  addEventListener('hashchange', open);
  open();
  addEventListener('beforeprint', () => { for (const page of all('details.method')) page.open = true; });
})();`;
