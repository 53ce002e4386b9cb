// Mutation tests of the files in which a mistake could lose an order or accept a forged request. `npm run mutation`
// takes about ten minutes on two cores. For a single file: `npm run mutation -- --mutate lib/answer/respond.ts`.
import jestConfig from './jest.config.js'

const unit = jestConfig.projects.find(({ displayName }) => displayName === 'unit')

export default {
  testRunner: 'jest',
  coverageAnalysis: 'perTest',
  jest: {
    configFile: 'jest.config.js',
    config: {
      ...unit,
      // Without projects, Jest runs only the tests below, with the settings of `unit`. `undefined` instead of an empty
      // list would get lost on the way to the workers, and all projects would run.
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
      // Shorter than in jest.config.js, because some mutants make a test wait forever.
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
  // Ignores mutants in constants of modules, such as the table of responses. For each of them, all tests would run, and
  // together they would take half of the time.
  ignoreStatic: true,
  reporters: ['clear-text', 'progress-append-only'],
  thresholds: { high: 95, low: 90, break: 85 },
  timeoutMS: 5000,
  concurrency: 2,
  tempDirName: '.stryker-tmp',
}
