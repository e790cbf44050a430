import type { Places } from '../bench/profile/reference.ts';
import { type ProfileSummary, toldApart } from '../bench/profile/summary.ts';
import { printable } from '../core/printable.ts';
import { wrapLine } from './wrap.ts';

const NAME_WIDTH = 14;
const FIELD_WIDTH = 5;
/** Columns of a terminal that does not say how many it has, and the most that are used. */
const WIDTH = 80;

/**
 * Methods x experiments as text. Experiments that do not fit side by side stand in blocks below each other.
 * @param places of the methods among those of the reference: a line below each. Default: none.
 * @param width columns of the terminal: lines are at most so long, and at most 80.
 */
export function profileTable(summaries: readonly ProfileSummary[], places?: Places, width = WIDTH): string {
  const experiments = [...new Set(summaries.map(({ experiment }) => experiment))];
  const algorithms = [...new Set(summaries.map(({ algorithm }) => algorithm))];
  // Some terminals say 0.
  const most = width > 0 ? Math.min(width, WIDTH) : WIDTH;
  const perBlock = Math.max(1, Math.floor((most - NAME_WIDTH) / FIELD_WIDTH));
  const lines: string[] = [];
  for (let from = 0; from < experiments.length; from += perBlock) {
    const block = experiments.slice(from, from + perBlock);
    // The last place of a field is that of its mark.
    const heads = block.map((_, index) => `${from + index + 1} `.padStart(FIELD_WIDTH));
    lines.push(`${'score'.padEnd(NAME_WIDTH)}${heads.join('')}`.trimEnd());
    for (const algorithm of algorithms) {
      const name = shortened(printable(algorithm), NAME_WIDTH - 1).padEnd(NAME_WIDTH);
      const fields = block.map((experiment) => {
        const one = summaries.find((each) => each.algorithm === algorithm && each.experiment === experiment)!;
        const mark = { '1': '^', '0': ' ', '-1': 'v' }[`${toldApart(one)}`];
        return `${short(one.score.value)}${mark}`.padStart(FIELD_WIDTH);
      });
      lines.push(`${name}${fields.join('')}`.trimEnd());
      const ranks = block.map((experiment) => places?.place(algorithm, experiment));
      if (ranks.some((rank) => rank !== undefined)) {
        const marks = ranks.map((rank) => `${rank ?? ''} `.padStart(FIELD_WIDTH));
        lines.push(`${'  place'.padEnd(NAME_WIDTH)}${marks.join('')}`.trimEnd());
      }
    }
    lines.push('');
  }
  const legend = experiments.map((experiment, index) => `${index + 1} ${experiment}`);
  const marks = '^ above, v below GRPO: told apart at 5 % (t test, seeds in pairs; Holm over all)';
  const others = Math.max(0, ...(places?.of.values() ?? []));
  const notes = [
    marks,
    ...(others === 0 ? [] : [`place: among ${others} methods, the others from the reference scores`]),
  ];
  return [
    ...lines,
    ...legendLines(legend, most),
    ...notes.flatMap((note) => wrapLine(note, most, false)),
    '',
  ].join('\n');
}

const shortened = (name: string, width: number): string =>
  name.length > width ? `${name.slice(0, width - 1)}~` : name;

/** '.85', '1.0', '-.04' */
const short = (value: number): string =>
  (Math.abs(value) < 0.005 ? 0 : value).toFixed(Math.abs(value) >= 0.995 ? 1 : 2).replace(/^(-?)0\./, '$1.');

/** Entries in as few lines as hold them, none broken. */
function legendLines(entries: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const entry of entries) {
    const longer = `${lines.at(-1)}   ${entry}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(entry);
  }
  return lines;
}
