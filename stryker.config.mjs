// Mutation tests of the parts where a wrong line loses an order or lets a stranger in. Run by `npm run mutation`; takes
// about ten minutes on two cores. One file alone: `npm run mutation -- --mutate lib/answer/respond.ts`.
import jestConfig from './jest.config.js'

const unit = jestConfig.projects.find(({ displayName }) => displayName === 'unit')

export default {
  testRunner: 'jest',
  coverageAnalysis: 'perTest',
  jest: {
    configFile: 'jest.config.js',
    config: {
      ...unit,
      // Of all projects only `unit`, and of that only the tests of the files below. An empty list: `undefined` would
      // get lost on the way to the workers, and all projects would run.
      projects: [],
      testMatch: [
        'authenticate',
        '*address',
        'respond',
        'deliver/**/*',
        'wait/{lines,slots}',
        'txml/read',
        'txml/shape',
      ].map((name) => `<rootDir>/__tests__/unit/**/${name}.test.ts`),
      // A mutant that makes a test wait for ever is found out sooner.
      testTimeout: 2000,
    },
  },
  mutate: [
    'lib/net/address.ts',
    'lib/receive/sender/authenticate.ts',
    'lib/receive/sender/client-address.ts',
    'lib/answer/respond.ts',
    'lib/deliver/attempt.ts',
    'lib/deliver/dedupe/claims.ts',
    'lib/deliver/deliverer.ts',
    'lib/deliver/failure.ts',
    'lib/bytes/bounded-map.ts',
    'lib/deliver/identity.ts',
    'lib/deliver/dedupe/memory-store.ts',
    'lib/deliver/stored/settlement.ts',
    'lib/wait/queues.ts',
    'lib/txml/build.ts',
    'lib/txml/read.ts',
    'lib/txml/shape.ts',
  ],
  // Constants of modules, as the table of answers: each such mutant runs all tests, which takes half of the time.
  ignoreStatic: true,
  reporters: ['clear-text', 'progress-append-only'],
  thresholds: { high: 95, low: 90, break: 85 },
  timeoutMS: 5000,
  concurrency: 2,
  tempDirName: '.stryker-tmp',
}
