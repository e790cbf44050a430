import type { QuestionReader } from '../reader.ts';
import type { QuestionFormat } from '../record.ts';
import { twoWikiMultihopQa } from './2wikimultihopqa.ts';
import { bamboogle } from './bamboogle.ts';
import { flashrag } from './flashrag.ts';
import { hotpotqa } from './hotpotqa.ts';
import { musique } from './musique.ts';
import { searchR1 } from './search-r1.ts';

/** The readers, in the order in which formats are tried on a file's first record: the more telling first. */
export const READERS: Readonly<Record<QuestionFormat, QuestionReader>> = {
  'search-r1': searchR1,
  flashrag,
  '2wikimultihopqa': twoWikiMultihopQa,
  hotpotqa,
  musique,
  bamboogle,
};
