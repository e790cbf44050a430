import { type Content, html, Markup } from './markup.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** What stands in a page. */
export interface PageParts {
  readonly title: string;
  readonly lead: Content;
  readonly summary: Content;
  /** Above the sections. */
  readonly intro?: Content;
  /** Id, name in the contents, and the section itself; `false` is left out. */
  readonly sections: readonly (readonly [string, string, Markup | false])[];
  /** Version of creditbench that writes the page. */
  readonly version: string;
  /** Whether there are so many lines that bands show on highlight only. */
  readonly many?: boolean;
  /** Added to the style and the script that all pages have: text of this package only. */
  readonly style?: string;
  readonly script?: string;
}

/** One HTML page that needs nothing else: no network, no other file. */
export function page({ title, lead, summary, intro, sections, version, ...parts }: PageParts): string {
  const present = sections.filter(([, , section]) => section !== false);
  const { many = false, style = '', script = '' } = parts;
  return html`<!doctype html>
<html lang="en"${many && html` class="many"`}>
<head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<style>${Markup.trusted(STYLE + style)}</style></head>
<body><header><h1>${title}</h1>
<p class="lead">${lead}</p>
${summary}
<nav class="contents" aria-label="Contents"><ul>${present.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav></header>
<main>${intro}
${present.map(([, , section]) => section)}</main>
<footer><p>Written by creditbench ${version}.</p></footer>
<script>${Markup.trusted(SCRIPT + script)}</script></body></html>
`.text;
}
