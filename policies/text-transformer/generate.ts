import type {
  ActRequest,
  Generation,
  SampledAction,
  SampledTokens,
  Sampling,
  TokenCodec,
} from '../policy.ts';
import { createStopTests, type StopTest } from '../stops.ts';
import { PAGE } from '../tensor/page-store.ts';
import { createDrawer, type DrawnToken } from './draw.ts';
import type { Branch } from './page-tree.ts';
import type { Reader } from './reader.ts';
import { checkIds, contextOf } from './rows.ts';

/** An action being written. */
interface Writing {
  readonly request: ActRequest;
  readonly generation: Generation;
  /** The context and the prefix. */
  readonly ids: Int32Array;
  readonly stopped: StopTest;
  readonly tokens: number[];
  readonly logProbs: number[];
  readonly entropies: number[];
  branch: Branch | undefined;
  ended: boolean;
}

/** Writes actions for requests, one token per step for all at once. */
export type Generator = (
  requests: readonly ActRequest[],
  sampling: Sampling,
) => Promise<readonly SampledAction[]>;

/**
 * Actions from a reader's logits.
 * @param endIds end an action as a stop does; they are among its tokens, and not in its text.
 */
export function createGenerator(
  reader: Reader,
  codec: TokenCodec,
  vocabularySize: number,
  endIds: readonly number[] = [],
): Generator {
  const textStops = createStopTests(codec);
  const ends = new Set(endIds);
  const isEnd = (id: number | undefined): boolean => id !== undefined && ends.has(id);
  const stopTests = (stops: readonly string[]): StopTest => {
    const stopped = textStops(stops);
    return (tokens) => isEnd(tokens.at(-1)) || stopped(tokens);
  };

  const start = (request: ActRequest, stoppers: Map<string, StopTest>): Writing => {
    const { generation } = request;
    if (generation === undefined) {
      throw new Error('text-transformer policy: the request has no generation (stops and maxTokens)');
    }
    checkGeneration(generation);
    const { stops, prefix = NOTHING } = generation;
    const context = contextOf(request.prompt, vocabularySize);
    checkIds(prefix.tokens, vocabularySize);
    const ids = new Int32Array(context.length + prefix.tokens.length);
    ids.set(context);
    ids.set(prefix.tokens, context.length);
    const key = JSON.stringify(stops);
    const stopped = stoppers.get(key) ?? stopTests(stops);
    stoppers.set(key, stopped);
    const [tokens, logProbs, entropies] = [prefix.tokens, prefix.logProbs, prefix.entropies].map((list) => [
      ...list,
    ]) as [number[], number[], number[]];
    const ended = stopped(tokens);
    return { request, generation, ids, stopped, tokens, logProbs, entropies, branch: undefined, ended };
  };

  const add = (writing: Writing, { id, logProb, entropy }: DrawnToken): void => {
    const { tokens, logProbs, entropies, stopped } = writing;
    tokens.push(id);
    logProbs.push(logProb);
    entropies.push(entropy);
    writing.ended = stopped(tokens);
  };

  /** Writes actions whose contexts fit into the cache together. */
  const write = async (group: readonly Writing[], sampling: Sampling): Promise<void> => {
    const { tree } = reader;
    const draw = createDrawer(reader, vocabularySize, sampling);
    const shared = groupEqual(group.filter(unfinished));
    const readings = shared.map(([first]) => {
      const { branch, cached } = tree.open(first!.ids);
      first!.branch = branch;
      return { branch, from: cached };
    });
    const first = shared.flatMap((writings, row) =>
      writings.map(({ request }) => ({ row, random: request.random })),
    );
    const drawn = await draw(readings, first);
    tree.settle();
    for (const [index, writing] of shared.flat().entries()) add(writing, drawn[index]!);
    for (const [row, writings] of shared.entries()) {
      // The first goes on in place; the others fork before it does.
      const ongoing = writings.filter(unfinished);
      const { branch } = readings[row]!;
      for (const [index, writing] of ongoing.entries()) {
        writing.branch = index === ongoing.length - 1 ? branch : tree.fork(branch);
      }
    }
    for (;;) {
      const ongoing = group.filter(unfinished);
      if (ongoing.length === 0) return;
      const steps = ongoing.map(({ branch, tokens }) => {
        tree.append(branch!, tokens.at(-1)!);
        return { branch: branch!, from: branch!.length - 1 };
      });
      const next = await draw(
        steps,
        ongoing.map(({ request }, row) => ({ row, random: request.random })),
      );
      tree.settle();
      for (const [row, writing] of ongoing.entries()) add(writing, next[row]!);
    }
  };

  return async (requests, sampling) => {
    const stoppers = new Map<string, StopTest>();
    const writings = requests.map((request) => start(request, stoppers));
    for (const group of fittingGroups(writings, reader.capacity)) {
      try {
        await write(group, sampling);
      } catch (error) {
        reader.tree.clear();
        throw error;
      }
      reader.tree.release();
    }
    return writings.map(({ tokens, logProbs, entropies, ended }) => {
      const text = codec.decode(isEnd(tokens.at(-1)) ? tokens.slice(0, -1) : tokens);
      return { text, tokens, logProbs, entropies, cut: !ended };
    });
  };
}

const NOTHING: SampledTokens = { tokens: [], logProbs: [], entropies: [] };

const unfinished = ({ ended, tokens, generation }: Writing): boolean =>
  !ended && tokens.length < generation.maxTokens;

function checkGeneration({ stops, maxTokens, prefix = NOTHING }: Generation): void {
  const { tokens, logProbs, entropies } = prefix;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new RangeError(`text-transformer policy: maxTokens must be a positive integer, got ${maxTokens}`);
  }
  if (stops.some((stop) => stop === '')) {
    throw new RangeError("text-transformer policy: stops must not be empty, got ''");
  }
  if (tokens.length > maxTokens) {
    throw new RangeError(
      `text-transformer policy: a prefix of ${tokens.length} tokens is longer than maxTokens, ${maxTokens}`,
    );
  }
  if (logProbs.length !== tokens.length || entropies.length !== tokens.length) {
    throw new RangeError(
      `text-transformer policy: a prefix of ${tokens.length} tokens with ${logProbs.length} log-probabilities and ${entropies.length} entropies`,
    );
  }
}

/** Writings with equal contexts, together, in the order of the first of each. */
function groupEqual(writings: readonly Writing[]): readonly (readonly Writing[])[] {
  const groups = new Map<string, Writing[]>();
  for (const writing of writings) {
    const { buffer, byteOffset, byteLength } = writing.ids;
    const key = Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [writing]);
    else group.push(writing);
  }
  return [...groups.values()];
}

/** Groups whose pages are at most `capacity` even where nothing is shared; each has at least one. */
function fittingGroups(writings: readonly Writing[], capacity: number): readonly (readonly Writing[])[] {
  const groups: Writing[][] = [];
  let room = 0;
  for (const writing of writings) {
    const { ids, tokens, generation } = writing;
    // A copied page holds its source too for as long as the branch is in use.
    const pages = 1 + Math.ceil((ids.length + generation.maxTokens - tokens.length) / PAGE);
    if (groups.length === 0 || pages > room) {
      groups.push([]);
      room = capacity;
    }
    groups.at(-1)!.push(writing);
    room -= pages;
  }
  return groups;
}
