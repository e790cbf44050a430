import { COLORS, PAGE } from '../html/palette.ts';
import { ALL_STEPS, mixed, STEPS, stepClass, stepColor } from '../profile/colors.ts';

/** How much of its color the highest entropy has. */
const MOST = 0.5;
const ENTROPIES = Array.from({ length: STEPS + 1 }, (_, step) => step);

/** Color of a step of entropy: from that of the page to green. */
export const entropyColor = (step: number, scheme: 'light' | 'dark'): string =>
  mixed(PAGE[scheme], COLORS[2][scheme], (step / STEPS) * MOST);

const colors = (scheme: 'light' | 'dark'): string =>
  [
    ...ALL_STEPS.map((step) => `--${stepClass(step)}:${stepColor(step, scheme)};`),
    ...ENTROPIES.map((step) => `--e${step}:${entropyColor(step, scheme)};`),
  ].join('');

const names = [
  ...ALL_STEPS.filter((step) => step !== 0).map(stepClass),
  ...ENTROPIES.map((step) => `e${step}`),
];

/** What the page of trees adds to the style of all pages. */
export const TREE_STYLE = `
:root{${colors('light')}}
@media (prefers-color-scheme:dark){:root{${colors('dark')}}}
@media print{:root{${colors('light')}}}
${names.map((name) => `.${name}{background:var(--${name})}`).join('')}
.p0{background:var(--raised);box-shadow:inset 0 0 0 1px var(--line)}
.u{background:repeating-linear-gradient(135deg,var(--line) 0 1px,transparent 1px 5px);color:var(--faint)}
html{scroll-padding-top:6rem}
.by{position:sticky;top:0;z-index:3;background:var(--page);border-bottom:1px solid var(--line);padding:.5rem 0;display:flex;flex-wrap:wrap;align-items:center;gap:.3rem .7rem;font-size:.9rem}
.by select,#expand,#pin button{font:inherit;color:inherit;background:var(--raised);border:1px solid var(--line);border-radius:.3rem;padding:.15rem .4rem;max-width:100%}
#expand,#pin button{cursor:pointer}
.scale{display:inline-flex;flex-wrap:wrap;align-items:center;gap:.2rem .3rem;font-size:.82rem;font-variant-numeric:tabular-nums}
.scale .steps{display:inline-flex;align-items:center;gap:0 .3rem}
.scale .steps[hidden],.scale [hidden]{display:none}
.scale b{display:inline-block;width:.9rem;height:1.1rem;margin:0 -.15rem;font-weight:400;line-height:1.1rem;text-align:center}
.scale .zero{width:1.2rem;margin:0}
.scale .key{width:auto;padding:0 .3rem;margin:0 .1rem 0 .5rem}
.hint,.meta{color:var(--faint);font-size:.88rem;max-width:none;overflow-wrap:anywhere}
details.tree{border-top:1px solid var(--line);padding:.4rem 0;margin:0}
details.tree>summary{padding:.3rem 0}
details.tree>summary h3{display:inline;font-size:1.05rem;overflow-wrap:anywhere}
details.tree h3 small{color:var(--faint);font-weight:400}
.rows{--step:1.1rem;--most:8;list-style:none;margin:.8rem 0;padding:0}
.rows li{padding:.15rem 0 .15rem calc(min(var(--d),var(--most))*var(--step));background:repeating-linear-gradient(to right,transparent 0 .3rem,var(--line) .3rem calc(.3rem + 1px),transparent calc(.3rem + 1px) var(--step)) 0 0/calc(min(var(--d),var(--most))*var(--step)) 100% no-repeat}
.rows li.branch{padding-top:.7rem}
.rows p{margin:0;max-width:none}
.read{color:var(--faint);font-size:.88rem;white-space:pre-line;overflow-wrap:anywhere}
.read small{display:block;font-size:.92em}
.where{display:flex;flex-wrap:wrap;gap:0 .6rem;font-size:.78rem;color:var(--faint);overflow-wrap:anywhere}
.where output{font-variant-numeric:tabular-nums;color:var(--ink)}
.fork{font-size:.78rem;font-weight:600;color:var(--ink)}
.fork::before{content:"↳ "}
.whole{white-space:pre-wrap;overflow-wrap:anywhere}
.tokens{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86rem;line-height:1.75;overflow-wrap:anywhere}
.tokens b{font-weight:400;white-space:pre-wrap;unicode-bidi:isolate;border-radius:.15rem;padding:.12rem 0;cursor:pointer}
.tokens.ids b{padding:.12rem .25rem;margin-right:.15rem}
.tokens b:hover{outline:1px solid var(--ink)}
.leaf{font-size:.88rem}
.leaf::before{content:"■ ";color:var(--faint)}
.leaf b{font-variant-numeric:tabular-nums}
.tokens b,.scale b,#pin b{print-color-adjust:exact;-webkit-print-color-adjust:exact}
#pin{position:sticky;bottom:0;z-index:3;background:var(--page);border:1px solid var(--line);border-radius:.4rem .4rem 0 0;padding:.5rem .7rem;font-size:.85rem;max-height:40vh;overflow:auto;overflow-wrap:anywhere}
#pin p{margin:0 0 .3rem}
#pin button{float:right}
#pin ul{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,9.5rem),1fr));gap:.15rem .8rem}
#pin li{display:flex;align-items:start;gap:.4rem;min-width:0}
#pin li b{flex:none;width:4rem;text-align:right;font-weight:400;padding:0 .3rem;border-radius:.15rem;font-variant-numeric:tabular-nums}
@media (max-width:40rem){.scale b{width:.62rem}.scale .zero{width:1rem}.rows{--step:.7rem;--most:5}#tip{max-width:15rem}}
@media print{.by{position:static}#pin{display:none}}`;
