import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { CellResult, NamedCell } from '../bench/cell.ts';
import type { RunEvent } from '../bench/runs/events.ts';
import { printable, printableLines } from '../core/printable.ts';
import { scoreLabel } from '../reports/score.ts';
import { createTimeLeft } from './time-left.ts';

/** Shows the events of a run. */
export interface ProgressView {
  onEvent(event: RunEvent): void;
  /** Shows a message that belongs to no cell. */
  say(message: string): void;
  /** Ends the display; nothing is shown after it. */
  stop(): void;
}

const label = ({ name, cell }: NamedCell) => printable(`${cell.environment.id} ${name} seed ${cell.seed}`);

/** Bars with a time estimate on a terminal, plain lines everywhere else. */
export function createProgress(cells: number, stream: NodeJS.WriteStream): ProgressView {
  return stream.isTTY
    ? bars(cells, stream)
    : plainLines(cells, (line) => stream.write(printableLines(`${line}\n`)));
}

/** What is printed as a line, on a terminal too: failures and notices. */
function spoken(event: RunEvent): string | undefined {
  if (event.type === 'notice') return `note    ${label(event.cell)}: ${event.message}`;
  if (event.type === 'cell-failed') return `FAILED  ${label(event.cell)}: ${event.error.message}`;
  if (event.type === 'cell-left') return `left    ${label(event.cell)}: failed before`;
  return undefined;
}

/** What a cell has learned: ': dev F1 0.336 -> 0.447'. */
function learned({ metrics, declaration: { score } }: CellResult): string {
  const scores = metrics.map((row) => row[`dev_${score.name}`]).filter((value) => typeof value === 'number');
  const [before, after] = [scores[0], scores.at(-1)].map((value) => value?.toFixed(3));
  return before === undefined ? '' : `: ${scoreLabel(score)} ${before} -> ${after}`;
}

/** How much of the run's cells is done: what this run has computed, and what remains; in cells. */
function createAccount(cells: number) {
  const first = new Map<NamedCell, number>();
  const fractions = new Map<NamedCell, number>();
  let computed = 0;
  let ended = 0;
  const end = (cell: NamedCell, fraction: number): void => {
    computed += fraction - (first.get(cell) ?? fraction);
    fractions.delete(cell);
    first.delete(cell);
    ended++;
  };
  return {
    ended: () => ended,
    add(event: RunEvent): void {
      const { type, cell } = event;
      if (type === 'cell-progress') {
        // A cell that goes on from a checkpoint begins later than at 0.
        if (!first.has(cell)) first.set(cell, event.progress.fraction);
        fractions.set(cell, event.progress.fraction);
      } else if (type === 'cell-done') end(cell, 1);
      else if (type === 'cell-skipped' || type === 'cell-failed' || type === 'cell-left') {
        end(cell, fractions.get(cell) ?? 0);
      }
    },
    work(): readonly [computed: number, remaining: number] {
      const sum = (of: Map<NamedCell, number>): number => [...of.values()].reduce((all, one) => all + one, 0);
      return [computed + sum(fractions) - sum(first), cells - ended - sum(fractions)];
    },
  };
}

/**
 * One line when a cell starts and ends, and at most one for every tenth of its way; with the time that the run still takes.
 *
 * @param now in milliseconds.
 */
export function plainLines(
  cells: number,
  write: (line: string) => void,
  now: () => number = () => performance.now(),
): ProgressView {
  const width = String(cells).length;
  const tenths = new Map<NamedCell, number>();
  const started = new Map<NamedCell, number>();
  const account = createAccount(cells);
  const timeLeft = createTimeLeft(now);
  const say = (text: string) => {
    const left = started.size === 0 ? undefined : timeLeft(...account.work());
    const count = `${String(account.ended()).padStart(width)}/${cells}`;
    write(`[${count}${left === undefined ? '' : `, ${left}`}] ${text}`);
  };
  return {
    stop: () => {},
    say: (message) => say(`note    ${message}`),
    onEvent: (event) => {
      const words = spoken(event);
      account.add(event);
      if (words !== undefined) say(words);
      else if (event.type === 'prepare-start') say(`prepare ${label(event.cell)}: data and starting weights`);
      else if (event.type === 'cell-skipped') say(`skip    ${label(event.cell)}: finished before`);
      else if (event.type === 'cell-start') {
        started.set(event.cell, now());
        say(`start   ${label(event.cell)}${event.worker === undefined ? '' : ` on ${event.worker}`}`);
      } else if (event.type === 'cell-done') {
        const since = started.get(event.cell);
        // If the result came while no run was waiting for it, its time is not known.
        const took = since === undefined ? '' : ` in ${((now() - since) / 1000).toFixed(1)} s`;
        say(`done    ${label(event.cell)}${took}${learned(event.result)}`);
      } else if (event.type === 'cell-progress') {
        const tenth = Math.floor(event.progress.fraction * 10);
        if (tenth > (tenths.get(event.cell) ?? 0)) {
          tenths.set(event.cell, tenth);
          say(`${String(tenth * 10).padStart(3)} %   ${label(event.cell)}: ${event.progress.stage}`);
        }
      }
    },
  };
}

const STEPS = 1000;

function bars(cells: number, stream: NodeJS.WriteStream): ProgressView {
  const multibar = new MultiBar(
    {
      stream,
      format: ' {bar} {percentage}% | {what}',
      hideCursor: true,
      // Ctrl-C is handled by the run, which then stops the display.
      gracefulExit: false,
      clearOnComplete: true,
      stopOnComplete: false,
      autopadding: true,
      barsize: 24,
      etaBuffer: 50,
    },
    Presets.shades_grey,
  );
  let ended = 0;
  const fractions = new Map<NamedCell, number>();
  const running = new Map<NamedCell, SingleBar>();
  const workers = new Map<NamedCell, string>();
  const overall = multibar.create(
    cells * STEPS,
    0,
    { what: '' },
    { format: ' {bar} {percentage}% | {what} | {eta_formatted} to go' },
  );
  const refresh = () => {
    const part = [...fractions.values()].reduce((sum, fraction) => sum + fraction, 0);
    overall.update(Math.round((ended + part) * STEPS), { what: `${ended} of ${cells} cells` });
  };
  refresh();
  const where = (cell: NamedCell) => `${label(cell)}${workers.get(cell) ?? ''}`;
  const close = (cell: NamedCell) => {
    const bar = running.get(cell);
    if (bar) multibar.remove(bar);
    running.delete(cell);
  };
  return {
    stop: () => multibar.stop(),
    say: (message) => multibar.log(printableLines(`note    ${message}\n`)),
    onEvent: (event) => {
      const words = spoken(event);
      if (words !== undefined) multibar.log(printableLines(`${words}\n`));
      else if (event.type === 'cell-done') {
        multibar.log(printableLines(`done    ${label(event.cell)}${learned(event.result)}\n`));
      }
      if (event.type === 'prepare-start' || event.type === 'cell-start') {
        close(event.cell); // another worker has taken over
        if (event.type === 'cell-start' && event.worker !== undefined) {
          workers.set(event.cell, ` on ${event.worker}`);
        }
        running.set(event.cell, multibar.create(STEPS, 0, { what: where(event.cell) }));
      } else if (event.type === 'prepare-done') {
        close(event.cell);
      } else if (event.type === 'cell-progress' || event.type === 'prepare-progress') {
        const { fraction, stage } = event.progress;
        const what = `${where(event.cell)}: ${printable(stage)}`;
        running.get(event.cell)?.update(Math.round(fraction * STEPS), { what });
        if (event.type === 'cell-progress') fractions.set(event.cell, fraction);
      } else if (event.type !== 'notice') {
        close(event.cell);
        fractions.delete(event.cell);
        ended++;
      }
      refresh();
    },
  };
}
