import { COSTS } from '../columns.ts';
import { CURRENCIES } from '../curves.ts';
import { COLORS, PAGE } from './palette.ts';

const colors = (scheme: 'light' | 'dark'): string =>
  COLORS.map((color, index) => `--c${index}:${color[scheme]};`).join('');

const LIGHT = `color-scheme:light;--page:${PAGE.light};--raised:#f4f5f7;--ink:#1c1e22;--faint:#5c616b;--line:#d5d8de;--link:#0a58a8;--good:#00704c;--bad:#b3261e;${colors('light')}`;
const DARK = `color-scheme:dark;--page:${PAGE.dark};--raised:#21242b;--ink:#e8e9ec;--faint:#a5aab5;--line:#3b3f49;--link:#7db8ff;--good:#4fd39d;--bad:#ff8a80;${colors('dark')}`;

/** What the radio buttons of a section do, without a script: parts that belong to another choice are not shown. */
export const choices = (name: string, values: readonly string[]): string =>
  values
    .map(
      (value) =>
        `section:has([name=${name}][value=${value}]:checked) [data-${name}]:not([data-${name}=${value}])`,
    )
    .join(',');

/** The style sheet of the page: light, dark and print; one column on narrow screens, two on wide ones. */
export const STYLE = `
:root{${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
@media print{:root{${LIGHT}}}
*{box-sizing:border-box}
html{scroll-padding-top:5rem}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}
main,header,footer{max-width:74rem;margin:0 auto;padding:0 1rem}
h1{font-size:1.7rem;line-height:1.2;margin:1.6rem 0 .3rem}
h2{font-size:1.3rem;margin:2.6rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:0 0 .4rem}
p{max-width:46rem;margin:.5rem 0}
a{color:var(--link)}
.lead{color:var(--faint);margin-top:0}
.summary{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:.9rem;margin:1rem 0}
.summary section{background:var(--raised);border-radius:.5rem;padding:.8rem 1rem;min-width:0}
.summary h2{font-size:1rem;border:0;padding:0;margin:0 0 .3rem}
.summary ul{margin:0;padding-left:1.1rem}
.summary li{margin:.3rem 0}
.summary .alarm{box-shadow:inset .25rem 0 0 var(--bad)}
nav.contents ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:.8rem 0;padding:0;font-size:.92rem}
.legend{position:sticky;top:0;z-index:2;background:var(--page);border-bottom:1px solid var(--line);padding:.4rem 0;display:flex;flex-wrap:wrap;gap:.25rem;max-height:8.5rem;overflow:auto}
.legend button{display:inline-flex;align-items:center;gap:.4rem;font:inherit;font-size:.85rem;color:inherit;background:none;border:1px solid var(--line);border-radius:1rem;padding:.1rem .6rem;cursor:pointer;max-width:100%}
.legend button span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.legend button[aria-pressed=true]{background:var(--raised);border-color:var(--ink)}
.legend svg,td svg.swatch,th svg.swatch{width:1.7rem;height:.8rem;flex:none;display:inline-block;margin:0 .2rem 0 0;vertical-align:baseline}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
figure{margin:1rem 0 1.8rem;min-width:0}
figcaption{color:var(--faint);font-size:.9rem;max-width:52rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:.6rem 1.6rem;align-items:start}
.charts>div{min-width:0;max-width:40rem}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:.6rem 1.6rem;align-items:start;margin:1rem 0}
.figures figure{margin:0;max-width:40rem}
.figures .charts{display:block}
.figures figcaption{font-size:.85rem}
.charts h4{font-size:.85rem;font-weight:600;margin:.2rem 0;color:var(--faint)}
svg{display:block;width:100%;height:auto;font-family:inherit;overflow:visible}
svg text{white-space:pre}
svg [class]{transition:opacity .12s}
.highlight svg [class^=a]:not(.hot){opacity:.07}
.many svg [class$=-band],.many svg [class$=-seeds],svg [class$=-quiet]{opacity:0}
.many.highlight svg .hot{opacity:1}
.empty{color:var(--faint);font-style:italic}
${choices(
  'axis',
  CURRENCIES.map(({ id }) => id),
)},${choices('cost', COSTS)}{display:none}
fieldset{border:0;margin:.4rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.25rem .9rem;font-size:.92rem}
legend{float:left;font-weight:600;padding:0;margin-right:.6rem}
fieldset label{cursor:pointer}
.scroll{overflow-x:auto;margin:.6rem 0;max-width:100%}
.scroll.over{box-shadow:inset -.7rem 0 .6rem -.6rem var(--line)}
.scroll.over::before{content:"↔ scroll sideways for more columns";position:sticky;left:0;display:block;width:max-content;font-size:.8rem;color:var(--faint)}
.scroll.over tr>:first-child{position:sticky;left:0;z-index:1;background:var(--page);max-width:9rem}
.scroll.over thead tr>:first-child{background:var(--raised)}
table{border-collapse:collapse;font-size:.84rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.2rem 0}
th,td{padding:.28rem .45rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;font-weight:400}
tbody th{min-width:7rem}
thead th{background:var(--raised);vertical-align:bottom}
thead small{display:block;color:var(--faint);white-space:nowrap}
thead button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:left}
thead button::after{content:"\\a0↕";color:var(--faint)}
th[aria-sort=ascending] button::after{content:"\\a0↑";color:inherit}
th[aria-sort=descending] button::after{content:"\\a0↓";color:inherit}
.number{text-align:right;white-space:nowrap}
.number small{white-space:normal}
td.wide,td .wide{min-width:16rem}
td .medium{min-width:12rem}
td .verdict{min-width:8.6rem}
td small,tbody th small{color:var(--faint);display:block}
.zero{color:var(--faint);font-weight:600}.bad{color:var(--bad)}.good{color:var(--good)}.unknown{color:var(--faint);font-style:italic}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.88em;overflow-wrap:anywhere}
pre{overflow-x:auto;background:var(--raised);padding:.6rem;border-radius:.4rem;font-size:.82rem}
.csv{white-space:nowrap;font-weight:600}
.csv::before{content:"↓ "}
details{margin:.6rem 0}
summary{cursor:pointer}
#tip{position:fixed;z-index:9;pointer-events:none;max-width:20rem;background:var(--ink);color:var(--page);font-size:.82rem;line-height:1.35;padding:.35rem .55rem;border-radius:.3rem;white-space:pre-line}
#tip[hidden]{display:none}
footer{color:var(--faint);font-size:.88rem;margin:3rem auto 2rem}
@media (max-width:40rem){body{font-size:15px}.legend{flex-wrap:nowrap;overflow-x:auto}.legend button{flex:none;max-width:14rem}h1{font-size:1.4rem}svg[role=img] text{font-size:14px}.scroll:not(.fits)::before{content:"↔ scroll sideways for more columns";position:sticky;left:0;display:block;width:max-content;font-size:.8rem;color:var(--faint)}}
@media print{
body{font-size:10pt}
main,header,footer{max-width:none;padding:0}
.legend{position:static;max-height:none;flex-wrap:wrap;border:0}
nav.contents,.csv,#tip{display:none}
thead button::after{content:""!important}
figure,tr,.summary section,.charts>div{break-inside:avoid}
h2,h3{break-after:avoid}
.scroll,pre{overflow:visible}
.scroll::before{content:none!important}
table{font-size:7.5pt}
.charts{grid-template-columns:1fr 1fr}
.many svg [class$=-band]{opacity:0}
}`;
