import { choices } from '../html/style.ts';
import { ALL_STEPS, stepClass, stepColor } from './colors.ts';

/** The two families of numbers of the heat map. */
export const FAMILIES = ['score', 'credit'] as const;

const colors = (scheme: 'light' | 'dark'): string =>
  ALL_STEPS.map((step) => `--${stepClass(step)}:${stepColor(step, scheme)};`).join('');

const steps = ALL_STEPS.map((step) => `.${stepClass(step)}{background:var(--${stepClass(step)})}`).join('');

/** What the page of a profile adds to the style of all pages. */
export const PROFILE_STYLE = `
:root{${colors('light')}}
@media (prefers-color-scheme:dark){:root{${colors('dark')}}}
@media print{:root{${colors('light')}}}
${steps}
${choices('heat', FAMILIES)}{display:none}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.tag{display:inline-block;border:1px solid var(--line);border-radius:.6rem;padding:0 .4rem;font-size:.72rem;font-weight:400;color:var(--faint);white-space:nowrap}
.heat table{border-collapse:separate;border-spacing:2px;font-size:.8rem}
.heat th,.heat td{border:0;padding:0}
.heat thead th{background:none;vertical-align:bottom;text-align:center}
.heat thead th button{writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap;padding:.25rem .1rem;font-weight:500}
.heat thead th:first-child{text-align:left}
.heat thead th:first-child button,.heat thead th.mean button{writing-mode:horizontal-tb;transform:none}
.heat thead button::after{content:none}
.heat thead th[aria-sort] button{text-decoration:underline}
.heat tbody th{position:sticky;left:0;z-index:1;background:var(--page);min-width:6rem;max-width:13rem;padding:.15rem .5rem .15rem 0;vertical-align:middle;overflow-wrap:anywhere;line-height:1.25}
.heat tbody th a{color:inherit}
.heat tbody th.number{text-align:left;white-space:normal}
.heat td{text-align:center}
.heat td a,.heat td span.cell{display:block;position:relative;min-width:3.4rem;padding:.32rem .2rem;text-align:center;color:var(--ink);text-decoration:none;border-radius:.15rem;white-space:nowrap}
.heat td a:hover{outline:2px solid var(--ink)}
.heat a:has(i){padding-right:.75rem;padding-left:.1rem}
.heat i{font-style:normal;font-size:.8em;position:absolute;right:.12rem;bottom:.3rem}
.heat tr:has(.baseline) th{font-weight:700}
.scale{display:flex;align-items:center;gap:.5rem;font-size:.8rem;color:var(--faint);flex-wrap:wrap}
.scale span.steps{display:inline-flex}
.scale span.steps b{width:.9rem;height:.9rem}
.heat a,.scale b{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:1.2rem 1.6rem;margin:1rem 0}
.panels>div{min-width:0;max-width:26rem}
.panels h4{margin:0;font-size:.95rem}
.panels p{margin:.1rem 0 .3rem;font-size:.82rem;line-height:1.35;color:var(--faint)}
svg [class$=-grey]{stroke:var(--faint);stroke-dasharray:none;opacity:.45}
details.method{border-top:1px solid var(--line);padding:.4rem 0;margin:0}
details.method>summary{padding:.2rem 0}
details.method>summary h3{display:inline;font-size:1.05rem;overflow-wrap:anywhere}
details.method svg.swatch{display:inline-block;width:1.7rem;height:.8rem}
details.method .number small{white-space:nowrap}
details.method th,details.method td{padding:.28rem .35rem}
.heat p{margin:.2rem 0 .4rem;font-size:.9rem;color:var(--faint);max-width:52rem}
.verdicts{margin:.4rem 0;padding:0;list-style:none;font-size:.92rem}
.verdicts li{margin:.15rem 0}
.verdicts b{font-weight:600}
tr:target{background:var(--raised);box-shadow:inset .25rem 0 0 var(--link)}
@media (max-width:40rem){.heat tbody th{min-width:5rem;max-width:7.2rem}.heat td a,.heat td span.cell{min-width:3.2rem}}
@media print{[data-heat]{display:block!important}}`;
