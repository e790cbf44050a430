import { InputError } from '../core/errors.ts';
import type { ComparedCell } from './analyzed.ts';

/**
 * With another corpus, index or top-k the task is another one, and scores are not comparable.
 * @throws InputError naming what differs between the cells of one environment.
 */
export function refuseMixed(cells: readonly ComparedCell[]): void {
  const first = new Map<string, ComparedCell & { fingerprint: string }>();
  for (const one of cells) {
    const { fingerprint } = one;
    if (fingerprint === undefined) continue;
    const cell = { ...one, fingerprint };
    const other = first.get(cell.environment) ?? cell;
    first.set(cell.environment, other);
    if (fingerprint === other.fingerprint) continue;
    const names = [...new Set([...Object.keys(other.options), ...Object.keys(cell.options)])];
    const show = (value: unknown): string => JSON.stringify(value) ?? 'absent';
    const differing = names
      .filter((name) => show(other.options[name]) !== show(cell.options[name]))
      .map((name) => `${name} ${show(other.options[name])} and ${show(cell.options[name])}`);
    throw new InputError(
      `${cell.environment}: ${other.algorithm} and ${cell.algorithm} were run on different data or retrieval (fingerprints ${other.fingerprint.slice(0, 12)} and ${cell.fingerprint.slice(0, 12)}); differing options: ${differing.join(', ') || 'none, so the data itself'}; valid: results of one fingerprint, or --allow-mixed`,
    );
  }
}
