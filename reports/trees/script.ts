import { STEPS } from '../profile/colors.ts';

/**
 * What the page of trees adds to the script of all pages: colors by another method or by entropy, the numbers under the
 * pointer or the focus, what all methods say of a token, arrow keys. Without it the page shows the first method.
 */
export const TREE_SCRIPT = `
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const element = (id) => document.getElementById(id);
  const source = element('numbers');
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const by = element('by');
  const tip = element('tip');
  const pin = element('pin');

  // [count, value, count, value, ...], or 0 and the values.
  const decode = (list) => {
    if (list === null) return null;
    if (list[0] === 0) return list.slice(1);
    const values = [];
    for (let at = 0; at < list.length; at += 2) for (let i = 0; i < list[at]; i++) values.push(list[at + 1]);
    return values;
  };
  const decoded = new Map();
  const numbers = (tree, key) => {
    const name = tree + ' ' + key;
    const of = data.trees[tree];
    if (!decoded.has(name)) decoded.set(name, decode(key in of ? of[key] : of.values[key]));
    return decoded.get(name);
  };

  const step = (value, end) => Math.max(1, Math.min(${STEPS}, Math.round(Math.abs(value) / end * ${STEPS})));
  const signedClass = (value, end) =>
    value === null || value === undefined ? 'u' : value === 0 ? 'p0' : (value < 0 ? 'n' : 'p') + step(value, end);
  const entropyClass = (value, end) =>
    value === null || value === undefined ? 'u' : 'e' + (value === 0 ? 0 : step(value, end));
  const say = (value, isSigned = true) => value === null || value === undefined
    ? 'not trained' : (isSigned && value > 0 ? '+' : '') + String(value).replace('-', '−');
  const isEntropy = () => by.value === 'entropy';
  const scale = () => isEntropy() ? data.entropy : data.scales[Number(by.value)];

  const painted = new WeakMap();
  const tokens = new WeakMap();
  const tokensOf = (details) => {
    if (!tokens.has(details)) {
      const list = all('.tokens b', details);
      list.forEach((token, index) => { token.number = index; token.tabIndex = index === 0 ? 0 : -1; });
      tokens.set(details, list);
    }
    return tokens.get(details);
  };
  const paint = (details) => {
    if (!details.open || painted.get(details) === by.value) return;
    painted.set(details, by.value);
    const values = numbers(Number(details.dataset.tree), by.value);
    const [end] = scale();
    const classOf = isEntropy() ? entropyClass : signedClass;
    tokensOf(details).forEach((token, index) => { token.className = classOf(values && values[index], end); });
    let at = 0;
    for (const row of all('.tokens', details)) {
      const own = values === null ? [] : values.slice(at, at + row.children.length).filter((value) => value !== null);
      at += row.children.length;
      const mean = own.length === 0 ? null : Number((own.reduce((sum, value) => sum + value, 0) / own.length).toPrecision(3));
      const said = mean === null && isEntropy() ? '' : say(mean, !isEntropy());
      row.parentElement.querySelector('output').textContent = own.length > 1 ? 'mean ' + said : said;
    }
  };
  const show = () => {
    const [, low, high] = scale();
    for (const one of all('.by [data-signed]')) one.hidden = isEntropy();
    for (const one of all('.by [data-entropy]')) one.hidden = !isEntropy();
    element(isEntropy() ? 'most' : 'high').textContent = isEntropy() ? high.replace('+', '') : high;
    if (!isEntropy()) element('low').textContent = low;
    for (const zero of all('.by .zero')) zero.className = (isEntropy() ? 'e0' : 'p0') + ' zero';
    for (const details of all('details.tree')) paint(details);
    if (!pin.hidden && pinned) fix(pinned);
  };
  by.addEventListener('change', show);
  for (const details of all('details.tree')) details.addEventListener('toggle', () => paint(details));

  const describe = (token) => {
    const tree = Number(token.closest('details.tree').dataset.tree);
    const at = token.number;
    const read = (key) => { const values = numbers(tree, key); return values === null ? null : values[at]; };
    const known = (label, value) => value === null ? [] : [label + ' ' + String(value).replace('-', '−')];
    const lines = ['“' + token.textContent.trim() + '” (id ' + read('ids') + ')'];
    if (!isEntropy()) lines.push(data.methods[Number(by.value)] + ': ' + say(read(by.value)));
    const measured = [...known('entropy', read('entropy')), ...known('log-probability', read('logprob'))];
    if (measured.length > 0) lines.push(measured.join(' · '));
    return { lines, read };
  };
  const isToken = (target) => target instanceof Element && target.matches('.tokens b');
  document.addEventListener('pointerover', ({ target, pointerType }) => {
    if (pointerType === 'touch' || !isToken(target) || target.number === undefined) return;
    tip.textContent = describe(target).lines.join('\\n');
    tip.hidden = false;
  });
  const atFocus = (token) => {
    const { left, bottom } = token.getBoundingClientRect();
    tip.textContent = describe(token).lines.join('\\n');
    tip.hidden = false;
    tip.style.left = Math.max(4, Math.min(left, document.documentElement.clientWidth - tip.offsetWidth - 4)) + 'px';
    tip.style.top = bottom + 4 + 'px';
  };
  document.addEventListener('focusin', ({ target }) => {
    if (!isToken(target)) return;
    for (const other of tokensOf(target.closest('details.tree'))) if (other.tabIndex === 0) other.tabIndex = -1;
    target.tabIndex = 0;
    if (target.matches(':focus-visible')) atFocus(target);
  });
  document.addEventListener('focusout', ({ target }) => { if (isToken(target)) tip.hidden = true; });

  let pinned = null;
  const fix = (token) => {
    pinned = token;
    tip.hidden = true;
    const { lines, read } = describe(token);
    const close = document.createElement('button');
    close.type = 'button';
    close.textContent = 'Close';
    close.addEventListener('click', unfix);
    const head = document.createElement('p');
    head.textContent = [lines[0], ...lines.slice(isEntropy() ? 1 : 2)].join(' · ');
    const list = document.createElement('ul');
    data.methods.forEach((method, index) => {
      const item = document.createElement('li');
      const value = document.createElement('b');
      const hasValues = data.trees[Number(token.closest('details.tree').dataset.tree)].values[index] !== null;
      value.textContent = hasValues ? say(read(String(index))).replace('not trained', '–') : 'lacks';
      value.className = signedClass(hasValues ? read(String(index)) : null, data.scales[index][0]);
      const name = document.createElement('span');
      name.textContent = method;
      item.append(value, name);
      list.append(item);
    });
    pin.replaceChildren(close, head, list);
    pin.hidden = false;
  };
  const unfix = () => {
    pin.hidden = true;
    if (pinned) pinned.focus();
    pinned = null;
  };
  document.addEventListener('click', ({ target }) => { if (isToken(target) && target.number !== undefined) { target.focus(); fix(target); } });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      tip.hidden = true;
      if (!pin.hidden) unfix();
    }
    const { target } = event;
    if (!isToken(target)) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      fix(target);
      return;
    }
    const list = tokensOf(target.closest('details.tree'));
    const row = target.parentElement;
    const beside = (by) => {
      const rows = all('.tokens', target.closest('details.tree'));
      const next = rows[rows.indexOf(row) + by];
      return next && next.children[Math.min([...row.children].indexOf(target), next.children.length - 1)];
    };
    const moves = {
      ArrowLeft: () => list[target.number - 1],
      ArrowRight: () => list[target.number + 1],
      ArrowUp: () => beside(-1),
      ArrowDown: () => beside(1),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const next = move();
    if (next) next.focus();
  });

  const expand = element('expand');
  expand.addEventListener('click', () => {
    const isOpening = all('details.tree').some((one) => !one.open);
    for (const one of all('details.tree')) one.open = isOpening;
    expand.textContent = isOpening ? 'Close all trees' : 'Open all trees';
  });
  const open = () => {
    const target = element(location.hash.slice(1));
    if (!target || !target.matches('details.tree')) return;
    target.open = true;
    target.scrollIntoView();
  };
  addEventListener('hashchange', open);
  open();
  show();
})();`;
