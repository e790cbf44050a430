import { MAX_TEXT, readBounded, readProblem } from '../../core/bounded-file.ts';
import { InputError } from '../../core/errors.ts';
import type { FileScore, ScoreInput } from './file-score.ts';
import { scoreHotpotFile } from './hotpot-file.ts';
import type { NamedText } from './json.ts';
import { scoreMusiqueFile } from './musique-file.ts';
import { scoreSquadFile } from './squad-file.ts';

const SCORERS = {
  hotpotqa: (input) => scoreHotpotFile('hotpotqa', input),
  '2wikimultihopqa': (input) => scoreHotpotFile('2wikimultihopqa', input),
  'squad-v1.1': (input) => scoreSquadFile('squad-v1.1', input),
  'squad-v2': (input) => scoreSquadFile('squad-v2', input),
  musique: scoreMusiqueFile,
} as const satisfies Record<string, (input: ScoreInput) => FileScore>;

/**
 * The data sets whose official prediction files can be scored.
 * @experimental
 */
export type FileMetric = keyof typeof SCORERS;

/** All of them. */
export const FILE_METRICS = Object.keys(SCORERS) as readonly FileMetric[];

/**
 * Where the files to score are. `aliases` is for 2wikimultihopqa.
 * @experimental
 */
export interface ScorePaths {
  readonly predictions: string;
  readonly gold: string;
  readonly aliases?: string;
}

/**
 * Scores the text of a prediction file against the text of its gold file as the data set's official script
 * does. Pure. Departures from the scripts are under DEVIATES at each scorer.
 * @throws InputError naming the file, the place in it, what is wrong and the expected shape; or when
 *   `aliases` is given for a metric other than 2wikimultihopqa.
 * @experimental
 */
export function scoreTexts(metric: FileMetric, input: ScoreInput): FileScore {
  if (!isFileMetric(metric)) throw unknownMetric(metric);
  if (input.aliases !== undefined && metric !== '2wikimultihopqa') {
    throw new InputError(
      `aliases: '${input.aliases.name}' given for ${metric}; valid for 2wikimultihopqa only`,
    );
  }
  return SCORERS[metric](input);
}

/**
 * Reads the files and scores them with `scoreTexts`. Also throws InputError when a file cannot be read.
 * @experimental
 */
export async function scoreFiles(metric: FileMetric, paths: ScorePaths): Promise<FileScore> {
  if (!isFileMetric(metric)) throw unknownMetric(metric);
  const predictions = await readText(paths.predictions);
  const gold = await readText(paths.gold);
  if (paths.aliases === undefined) return scoreTexts(metric, { predictions, gold });
  return scoreTexts(metric, { predictions, gold, aliases: await readText(paths.aliases) });
}

/** Whether a text names a data set whose files can be scored. */
export function isFileMetric(value: string): value is FileMetric {
  return Object.hasOwn(SCORERS, value);
}

function unknownMetric(value: string): InputError {
  return new InputError(`metric: unknown value '${value}'; valid: ${FILE_METRICS.join(', ')}`);
}

async function readText(path: string): Promise<NamedText> {
  try {
    // Bytes that are no UTF-8 are refused: replaced characters would be scored as wrong answers.
    return {
      name: path,
      text: new TextDecoder('utf-8', { fatal: true }).decode(await readBounded(path, MAX_TEXT)),
    };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason =
      { ENOENT: 'no such file', EISDIR: 'a folder', EACCES: 'no permission' }[code ?? ''] ??
      readProblem(error);
    const what = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'not UTF-8' : reason;
    throw new InputError(`${path}: cannot be read (${what}); expected a readable UTF-8 file`);
  }
}
