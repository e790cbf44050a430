/** Characters that take two columns of a terminal: East Asian wide ones and most emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** Characters that take none: marks on the one before. */
const MARK = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** How many columns of a terminal a text of one line takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/**
 * A line as lines of at most `width` columns, broken at spaces.
 * @param breaks whether a word that is wider is broken, too: in tables, where it would push the others aside.
 */
export function wrapLine(line: string, width: number, breaks: boolean): readonly string[] {
  if (displayWidth(line) <= width) return [line];
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/ +/).filter((part) => part !== '')) {
    const joined = current === '' ? word : `${current} ${word}`;
    if (displayWidth(joined) <= width) {
      current = joined;
      continue;
    }
    if (current !== '') lines.push(current);
    const pieces = breaks ? brokenWord(word, width) : [word];
    lines.push(...pieces.slice(0, -1));
    current = pieces.at(-1)!;
  }
  return [...lines, current];
}

function brokenWord(word: string, width: number): readonly string[] {
  const pieces = [''];
  for (const character of word) {
    const longer = `${pieces.at(-1)}${character}`;
    if (displayWidth(longer) <= width || pieces.at(-1) === '') pieces[pieces.length - 1] = longer;
    else pieces.push(character);
  }
  return pieces;
}

/**
 * A text in lines of at most `width` columns. What is indented stays so, on the lines that follow as well. A word that
 * is wider, a path or an address, stays whole.
 */
export function wrapText(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => {
      if (displayWidth(line) <= width) return [line];
      const indent = /^ */.exec(line)![0].slice(0, Math.floor(width / 2));
      return wrapLine(line.trim(), width - indent.length, false).map((part) => `${indent}${part}`);
    })
    .join('\n');
}

/**
 * A help text in lines of at most `width` columns. Paragraphs with a line that is too long are filled anew; an example
 * (an indented line) that is too long gets its remark on a line of its own, and goes on after a backslash, so that it
 * can still be copied.
 */
export function wrapHelp(text: string, width: number): string {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const flush = (): void => {
    const fits = paragraph.every((line) => displayWidth(line) <= width);
    lines.push(...(fits ? paragraph : wrapLine(paragraph.join(' '), width, false)));
    paragraph = [];
  };
  for (const line of text.split('\n')) {
    if (line !== '' && !line.startsWith(' ')) {
      paragraph.push(line);
      continue;
    }
    flush();
    lines.push(...(displayWidth(line) <= width ? [line] : wrapExample(line, width)));
  }
  flush();
  return lines.join('\n');
}

function wrapExample(line: string, width: number): readonly string[] {
  const indent = /^ */.exec(line)![0];
  const [command = '', ...remark] = line.trim().split(/ {3,}/);
  const deeper = `${indent}    `;
  const parts = wrapLine(command, width - deeper.length - 2, false);
  return [
    ...parts.map(
      (part, index) => `${index === 0 ? indent : deeper}${part}${index < parts.length - 1 ? ' \\' : ''}`,
    ),
    ...remark.flatMap((text) =>
      wrapLine(text, width - deeper.length, false).map((part) => `${deeper}${part}`),
    ),
  ];
}
