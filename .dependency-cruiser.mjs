// Which file may import which (`npm run check`). Type-only imports count, too. ARCHITECTURE.md says what the rooms are.

/** From low to high: a room imports rooms that are lower, not those beside it. */
const ROOMS = [
  ['core'],
  ['envs', 'policies'],
  ['algorithms'],
  ['bench'],
  ['performance', 'reports'],
  ['cli'],
];
/** The rooms inside bench/, in the same way. Its files outside of rooms are shared by all of them. */
const ROOMS_OF_BENCH = [
  ['stats'],
  ['catalog', 'rollout'],
  ['training'],
  ['trajectories'],
  ['suites'],
  ['runs'],
  ['audit'],
  ['criticality', 'credit-quality'],
  ['profile'],
];

const TESTS = '\\.(test|test-helper)\\.ts$';
const REGISTRIES = '^((algorithms|envs|policies)/registry|catalog)\\.ts$';

const inside = (folder, names) => `^${folder}(${names.join('|')})/`;

/** One rule per room: nothing of it imports a room beside it or above it. Tests may look up. */
const oneWay = (rooms, folder = '') =>
  rooms.flatMap((beside, level) =>
    beside.flatMap((room) => {
      const others = [...beside, ...rooms.slice(level + 1).flat()].filter((other) => other !== room);
      if (others.length === 0) return [];
      return {
        name: `${folder}${room} looks up`,
        severity: 'error',
        comment: `${folder}${room} must not know ${others.map((other) => folder + other).join(', ')}`,
        from: { path: inside(folder, [room]), pathNot: TESTS },
        to: { path: inside(folder, others) },
      };
    }),
  );

export default {
  forbidden: [
    {
      name: 'no circles',
      severity: 'error',
      comment: 'files that import each other cannot be read, tested or moved one at a time',
      from: {},
      to: { circular: true },
    },
    ...oneWay(ROOMS),
    ...oneWay(ROOMS_OF_BENCH, 'bench/'),
    {
      name: 'no registries below',
      severity: 'error',
      comment: 'below cli, algorithms, environments and policies are handed down: a user has others',
      from: { pathNot: [TESTS, '^(cli|scripts)/', '^(index|catalog)\\.ts$'] },
      to: { path: REGISTRIES },
    },
    {
      name: 'only cli prints',
      severity: 'error',
      comment: 'libraries for terminals and command lines belong to the commands',
      from: { pathNot: [TESTS, '^(cli|scripts)/'] },
      to: { path: '^node_modules/(cli-progress|cli-table3|commander)/' },
    },
    {
      name: 'nothing needs the top',
      severity: 'error',
      comment: 'index.ts is for users, scripts/ for maintainers',
      from: { pathNot: TESTS },
      to: { path: '^(index\\.ts|scripts/)' },
    },
    {
      name: 'nothing needs tests',
      severity: 'error',
      comment: 'the package is built without them',
      from: { pathNot: TESTS },
      to: { path: TESTS },
    },
    {
      name: 'everything is there',
      severity: 'error',
      comment: 'an import that cannot be followed escapes all other rules',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: '^node_modules/' },
    exclude: { path: '^(dist|docs/api|bundle|coverage|results|\\.[^./][^/]*)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
