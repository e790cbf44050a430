import { InputError } from '../../core/errors.ts';
import type { ServedModel, TinkerClient } from './client.ts';
import { StatusError } from './http.ts';

/** Names the weights that the server makes from the options, in the places of paths. */
export const START = 'start';

/** A model on the server, and which weights it has. */
export interface HeldModel {
  readonly model: ServedModel;
  /** The path of its weights; undefined where a step has changed them since. */
  path: string | undefined;
  /** Raised with every change of its weights. */
  version: number;
  /** Names that have been saved to: a server refuses to save to one again. */
  names: number;
  /** Whether a step was begun and its end is not known: gradients may have been added up that no step has taken. */
  uncertain: boolean;
}

/**
 * Makes and frees models of one session, all with the same starting weights.
 * @param make a new model.
 */
export function createHolder(client: TinkerClient, make: () => Promise<ServedModel>) {
  const held = new Set<HeldModel>();
  const fresh = async (): Promise<HeldModel> => {
    const one = { model: await make(), path: START, version: 0, names: 0, uncertain: false };
    held.add(one);
    return one;
  };
  const free = async (one: HeldModel): Promise<void> => {
    held.delete(one);
    await one.model.unload();
  };
  return {
    fresh,
    free,
    /** A model with weights: the one that is given, or another in its place where it cannot get back to them. */
    async holding(given: HeldModel | undefined, path: string): Promise<HeldModel> {
      if (given?.path === path && !given.uncertain) return given;
      let one = given;
      if (one === undefined || one.uncertain || path === START) {
        if (one !== undefined) await free(one);
        one = await fresh();
      }
      if (path === START) return one;
      Object.assign(one, { path: undefined, version: one.version + 1 });
      try {
        await one.model.load(path);
      } catch (error) {
        if (!(error instanceof StatusError) || ![400, 404].includes(error.status)) throw error;
        throw new InputError(
          `the server ${client.server} has no weights ${path} any more: ${error.message}`,
          {
            cause: error,
          },
        );
      }
      one.path = path;
      return one;
    },
    /** Has the server keep the weights of a model. @returns where. */
    async save(one: HeldModel): Promise<string> {
      one.path ??= await one.model.save(`w${++one.names}`);
      return one.path;
    },
    /** Frees all models. Never throws: the server drops those of an ended session by itself. */
    async freeAll(): Promise<void> {
      await Promise.all([...held].map((one) => free(one).catch(() => {})));
    },
  };
}
