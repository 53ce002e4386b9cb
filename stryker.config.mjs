// Mutation tests of the parts where a wrong line loses an order or lets a stranger in. Run by `npm run mutation`.
export default {
  testRunner: 'jest',
  coverageAnalysis: 'perTest',
  jest: { configFile: 'jest.config.js', config: { projects: undefined } },
  mutate: ['lib/receive/authenticate.ts', 'lib/respond.ts', 'lib/deliver/claims.ts', 'lib/deliver/memory-store.ts', 'lib/deliver/generations.ts', 'lib/deliver/identity.ts'],
  reporters: ['clear-text', 'progress-append-only'],
  thresholds: { high: 90, low: 80, break: 80 },
  concurrency: 2,
  tempDirName: '.stryker-tmp',
}
