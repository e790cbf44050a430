import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointPolicy, readCheckpoint } from '../../bench/training/checkpoint.ts';
import { warmStartSchema } from '../../bench/training/options.ts';
import { createRandom } from '../../core/random.ts';
import { missing, python, transformersLogProbs } from '../servers.test-helper.ts';
import { textTransformerSpec } from '../text-transformer/spec.ts';

const CHECKPOINT = 'search-facts';
const TEXT =
  "<|begin|>Question: Which country borders both Peru and Brazil in 1945?\n<think> Côte d'Ivoire? </think> <search> borders of Peru </search>\n\n<information>Peru borders Colombia, 東京 and São Tomé</information> <answer> Colombia </answer>";

/** Ids of a text, as AutoTokenizer gives them. */
const ENCODE = `
import json, sys
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
ids = tokenizer(json.load(sys.stdin))["input_ids"]
print(json.dumps({"ids": ids, "text": tokenizer.decode(ids), "begin": tokenizer.bos_token_id}))
`;

const reason = missing('skyrl/ready');

describe.skipIf(reason !== undefined)(
  `an exported checkpoint in transformers (${reason ?? 'installed'})`,
  () => {
    let folder = '';
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'export-'));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it('has our ids and our log-probabilities', async () => {
      const policy = await checkpointPolicy(CHECKPOINT);
      const recipe = warmStartSchema.parse({ checkpoint: CHECKPOINT, steps: 800, episodes: 64, noise: 0.1 });
      const { assets, parameters } = await readCheckpoint(CHECKPOINT, textTransformerSpec, policy, recipe);
      const options = textTransformerSpec.schema.parse(policy.options);
      const random = createRandom(1);
      const json = assets as Parameters<typeof textTransformerSpec.create>[0]['assets'];
      const ours = await textTransformerSpec.create({ options, assets: json, backend: 'wasm', random });
      ours.setParameters(parameters);
      const files = await textTransformerSpec.publish!({
        options,
        assets: json,
        parameters,
        positions: 4096,
      });
      for (const { name, content } of files) await writeFile(join(folder, name), content);

      const [first, ...rest] = ours.codec!.encode(TEXT);
      expect(python(ENCODE, [folder], TEXT)).toEqual({ ids: [first, ...rest], text: TEXT, begin: 0 });
      const prompt = { text: '', tokens: Int32Array.of(first!) };
      const [logProbs] = await ours.logProbs([{ prompt, tokens: rest }], { temperature: 1 });
      ours.dispose();
      const [theirs] = transformersLogProbs(folder, [[first!, ...rest]]);
      expect(theirs).toHaveLength(rest.length);
      const differences = theirs!.map((one, index) => Math.abs(one - logProbs![index]!));
      expect(Math.max(...differences)).toBeLessThan(1e-4);
    });
  },
);
