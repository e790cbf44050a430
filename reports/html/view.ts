import type { Interval } from '../../bench/stats/interval.ts';
import type { Analysis, GroupAnalysis } from '../analyzed.ts';
import type { Curve } from '../curves.ts';
import { commonLabel } from '../score.ts';
import type { Sources } from '../sources.ts';
import { html, type Markup } from './markup.ts';
import { type Look, look } from './palette.ts';
import { readSettings, type Settings } from './settings.ts';
import { formatNumber } from './table.ts';

/** Results that a page is made of. */
export interface ReportInput {
  readonly sources: Sources;
  /** Of the cells of the sources. */
  readonly analysis: Analysis;
  readonly curves: readonly Curve[];
  /** Version of creditbench that writes the page. */
  readonly version: string;
  /** Address of the page of trees, if there is one. */
  readonly trees?: string;
}

/** The input in the order in which everything is shown. */
export interface View extends ReportInput {
  readonly environments: readonly string[];
  /** Those that have figures: all, up to a number that a page can carry. */
  readonly drawn: readonly string[];
  readonly algorithms: readonly string[];
  /** Of every run, as recorded. */
  readonly settings: readonly Settings[];
  /** How an algorithm looks, in every chart. */
  lookOf(algorithm: string): Look;
  groupsOf(environment: string): readonly GroupAnalysis[];
}

/** More algorithms than this are too many for bands and lines of seeds: those then show on highlight. */
export const MANY = 8;

/** More environments than this have their numbers in the tables and CSV files only. */
const MOST_DRAWN = 12;

export function createView(input: ReportInput): View {
  const { groups } = input.analysis;
  const algorithms = [...new Set(groups.map(({ algorithm }) => algorithm))];
  const looks = new Map(algorithms.map((name, index) => [name, look(index)]));
  const byEnvironment = new Map<string, GroupAnalysis[]>();
  for (const group of groups) {
    const others = byEnvironment.get(group.environment);
    if (others === undefined) byEnvironment.set(group.environment, [group]);
    else others.push(group);
  }
  return {
    ...input,
    environments: [...byEnvironment.keys()],
    drawn: [...byEnvironment.keys()].slice(0, MOST_DRAWN),
    algorithms,
    settings: input.sources.runs.map(({ suite }) => readSettings(suite)),
    lookOf: (algorithm) => looks.get(algorithm) ?? look(0),
    groupsOf: (environment) => byEnvironment.get(environment) ?? [],
  };
}

/** What an environment is scored by, in words: 'dev F1', 'dev return'. */
export const labelOf = (view: View, environment: string): string => commonLabel(view.groupsOf(environment));

/** `0.447 [0.417, 0.477] (t, 3 seeds)`; the method is always said. */
export function sayInterval({ value, low, high, method, n }: Interval, digits = 3): string {
  const seeds = `${n} ${n === 1 ? 'seed' : 'seeds'}`;
  const middle = formatNumber(value, digits);
  if (low === null || high === null) return `${middle} (no interval, ${seeds})`;
  return `${middle} [${formatNumber(low, digits)}, ${formatNumber(high, digits)}] (${method}, ${seeds})`;
}

/** A piece of line with the point of an algorithm, for legends and tables. */
export function swatch({ color, dash, symbol }: Look): Markup {
  const shapes = {
    circle: html`<circle cx="17" cy="6" r="4"/>`,
    square: html`<rect x="13.5" y="2.5" width="7" height="7"/>`,
    triangle: html`<path d="M17,1.5l4.5,8h-9z"/>`,
    diamond2: html`<path d="M17,1.5l4.5,4.5l-4.5,4.5l-4.5,-4.5z"/>`,
  };
  return html`<svg class="swatch" viewBox="0 0 34 12" aria-hidden="true" style="color:${color}"><path d="M0,6H34" stroke="currentColor" stroke-width="2.5" stroke-dasharray="${dash}"/><g fill="currentColor">${shapes[symbol]}</g></svg>`;
}

/** One button per algorithm: hovering, focusing or pressing it highlights the algorithm in every chart. */
export function legend(algorithms: readonly { readonly name: string; readonly look: Look }[]): Markup {
  return html`<div class="legend" role="group" aria-label="Highlight algorithms">${algorithms.map(
    ({ name, look }) =>
      html`<button type="button" aria-pressed="false" data-mark="${look.className}" title="${name}">${swatch(look)}<span>${name}</span></button>`,
  )}</div>`;
}

/** Radio buttons that choose which parts of their section are shown: those whose `data-NAME` is the value. */
export function switcher(
  name: string,
  legend: string,
  choices: readonly { readonly id: string; readonly label: string }[],
): Markup {
  return html`<fieldset><legend>${legend}</legend>${choices.map(
    ({ id, label }, index) =>
      html`<label><input type="radio" name="${name}" value="${id}"${index === 0 ? html` checked` : null}> ${label}</label>`,
  )}</fieldset>`;
}

/** Name of a file from the names of things. */
export const fileName = (...parts: readonly string[]): string =>
  parts.map((part) => part.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-|-$/g, '')).join('-');
