import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakeServer, startFake } from '../policies/tinker/fake-server.test-helper.ts';
import { createCodec } from '../policies/tokenizer/load.ts';
import { trainTokenizer } from '../policies/tokenizer/train.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

let folder = '';
let server: FakeServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-language-model-'));
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

it('the suite language-model runs: its six methods on HotpotQA questions, the estimate first', async () => {
  const specialTokens = ['<|begin|>', '<search>', '</search>', '<answer>', '</answer>'];
  const json = trainTokenizer(['Peru Brazil'], { vocabularySize: 280, specialTokens });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
  server = await startFake({ vocabularySize: createCodec(json).size });
  const question = (id: string, country: string, capital: string) => ({
    ...{ _id: id, question: `What is the capital of ${country}?`, answer: capital },
    ...{ type: 'bridge', level: 'easy', supporting_facts: [[country, 0]] },
    context: [[country, [`${capital} is the capital of ${country}.`]]],
  });
  await writeFile(join(folder, 'train.json'), JSON.stringify([question('a', 'Peru', 'Lima')]));
  await writeFile(join(folder, 'dev.json'), JSON.stringify([question('b', 'Chile', 'Santiago')]));
  const settings = [
    ...[`policy.options.server=${server.url}`, `policy.options.tokenizer=${folder}`],
    ...['train', 'dev'].map(
      (split) => `environments.search.options.files.${split}=${join(folder, split)}.json`,
    ),
    ...['maxActionTokens=4', 'maxTurns=1', 'topK=1'].map((one) => `environments.search.options.${one}`),
    ...['policy.options.loraRank=8', 'training.iterations=1', 'training.questions=1'],
    ...['training.evaluationQuestions=1', 'algorithms.grpo.options.groupSize=4'],
  ];
  const { code, stdout, stderr } = await spawnCreditbench(folder, [
    ...['run', 'language-model', '--seeds', '1', '--cache', 'cache', '--out', 'language-model'],
    ...settings.flatMap((one) => ['--set', one]),
  ]);
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/In all [\d.e-]+ hours, one cell after another/);
  for (const name of ['grpo', 'rloo', 'carl', 'carl-lite', 'appo', 'gigpo']) {
    expect(stdout).toMatch(new RegExp(`\\| ${name} +\\| 1 `));
  }
});
