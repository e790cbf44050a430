/**
 * Rewards to go: G_t = r_t + gamma G_{t+1}, 0 after the last.
 * @param rewards in the order in which they come.
 */
export function toGo(rewards: readonly number[], gamma: number): readonly number[] {
  const result = [...rewards];
  for (let t = result.length - 2; t >= 0; t--) result[t]! += gamma * result[t + 1]!;
  return result;
}
