/** An action that thinks of a relation and searches. Few words: every token of a demonstration costs. */
export function searching(noun: string, query: string): string {
  return `${thinking(`Next: ${noun}.`)} <search> ${query} </search>`;
}

/** An action that gives an answer, found or guessed. */
export function answering(answer: string, isFound = true): string {
  return `${thinking(isFound ? 'Found it.' : 'Not found.')} <answer> ${answer} </answer>`;
}

/** A thought. */
export function thinking(thought: string): string {
  return `<think> ${thought} </think>`;
}
