import type { QuestionReader } from '../reader.ts';
import { readHotpotLike } from './hotpotqa.ts';

const OPTIONAL = ['supporting_facts', 'type', 'evidences'];

/**
 * 2WikiMultihopQA (Ho et al. 2020): HotpotQA's layout with `evidences` and `entity_ids`. Sentences have no leading
 * space and are joined by one. Mirrors that store lists as JSON text are read too. The kind 'bridge-comparison' of
 * the authors' page is the 'bridge_comparison' of their files. Hops: the distinct gold titles.
 */
export const twoWikiMultihopQa: QuestionReader = {
  expected: '2WikiMultihopQA: _id (or id), question, answer, supporting_facts, context, type, evidences',
  detects: (fields) =>
    'context' in fields && ['evidences', 'evidences_id', 'entity_ids'].some((name) => name in fields),
  read: (fields, context) => {
    const content = readHotpotLike(fields, context, ' ', OPTIONAL);
    return content.kind === 'bridge-comparison' ? { ...content, kind: 'bridge_comparison' } : content;
  },
};
