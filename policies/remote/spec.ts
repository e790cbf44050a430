import type { OwnedPolicy } from '../policy.ts';
import { ofOption, type PolicySpec } from '../spec.ts';
import { tokenizerFiles } from '../tokenizer/folder.ts';
import { type RemoteOptions, remoteOptionsSchema } from './options.ts';

/** A language model behind a completions server as a kind of policy. It is not trained. */
export const remoteSpec: PolicySpec<RemoteOptions, null, OwnedPolicy> = {
  id: 'remote',
  title: 'a language model behind a server (vLLM, SGLang, llama.cpp): it acts and does not learn',
  training: 'none',
  schema: remoteOptionsSchema,
  actions: 'text',
  restorable: false,
  files: ({ tokenizer }) => ofOption('tokenizer', () => tokenizerFiles(tokenizer)),
  assets: () => null,
  create: async ({ options, signal }) => {
    const { connectRemote } = await import('./connect.ts');
    return connectRemote(options, signal);
  },
};
