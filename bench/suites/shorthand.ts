type Plain = Record<string, unknown>;

/**
 * Writes out what a suite may say in short, in place: `grpo` is `{ id: grpo }`, and `all` among the algorithms, or in place of
 * their list, is one entry for each that comes with creditbench.
 * @param all ids of all algorithms.
 */
export function expandShorthand(raw: Plain, all: readonly string[]): void {
  const expand = (value: unknown) => (typeof value === 'string' ? { id: value } : value);
  if (raw.policy !== undefined) raw.policy = expand(raw.policy);
  if (raw.algorithms === 'all') raw.algorithms = ['all'];
  if (Array.isArray(raw.algorithms)) {
    raw.algorithms = raw.algorithms.flatMap((entry) => (entry === 'all' ? all : [entry]));
  }
  for (const key of ['environments', 'algorithms']) {
    const list = raw[key];
    if (Array.isArray(list)) raw[key] = list.map(expand);
  }
  for (const entry of Array.isArray(raw.environments) ? raw.environments : []) {
    if (entry?.policy !== undefined) entry.policy = expand(entry.policy);
  }
}
