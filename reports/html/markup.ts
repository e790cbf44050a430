/**
 * HTML text that is safe to put into a page. Only `html` makes it from what it is given, and `html` escapes:
 * names from files cannot become markup.
 */
export class Markup {
  readonly text: string;
  private constructor(text: string) {
    this.text = text;
  }
  /** For text that this package wrote itself: styles, scripts, drawings. Never for what a file says. */
  static trusted(text: string): Markup {
    return new Markup(text);
  }
}

/** What can stand in a template: text and numbers are escaped, markup is not, `null` and `false` are nothing. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for element content and quoted attributes. Characters that no HTML document may hold become U+FFFD. */
export function escapeHtml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
      .replace(/[&<>"']/g, (character) => ENTITIES[character]!)
  );
}

/** Template tag: html`<td title="${name}">${cells}</td>`. Attributes must be quoted. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = strings[0]!;
  for (const [index, value] of values.entries()) text += render(value) + strings[index + 1]!;
  return Markup.trusted(text);
}

function render(value: Content): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHtml(String(value));
}
