import type { ServerKind } from './kind.ts';
import { llamaCpp } from './llama-cpp.ts';
import { sglang } from './sglang.ts';
import { vllm } from './vllm.ts';

/** Every kind of server, in the order in which a server is tried. */
export const SERVER_KINDS: readonly ServerKind[] = [vllm, llamaCpp, sglang];
