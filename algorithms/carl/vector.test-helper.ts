import { sketchTree } from '../sketch.test-helper.ts';

/** Reference 2.5: s0 - s1 - s2 - leaf .4; forks at s1: (s2' - leaf 1.0), (leaf 0); fork at s2': leaf .5. */
export const vector = sketchTree([
  {
    name: 's0-s1',
    next: [
      { name: 's1-s2', next: [{ name: 's2-.4', end: 0.4 }] },
      {
        name: "s1-s2'",
        round: 1,
        start: true,
        next: [
          { name: "s2'-1", round: 1, end: 1 },
          { name: "s2'-.5", round: 3, start: true, end: 0.5 },
        ],
      },
      { name: 's1-0', round: 2, start: true, end: 0 },
    ],
  },
]);
