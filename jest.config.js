// Projects: unit (no Express), integration on Express 5 and once more on Express 4, redis (needs redis-server), faults (real
// processes that are killed), fuzz (hostile input), and package (the packed tarball).
const base = {
  testEnvironment: 'node',
  transform: { '\\.ts$': ['ts-jest', { diagnostics: false }] },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.stryker-tmp/'],
  moduleNameMapper: {
    '^tradecloud-webhook$': '<rootDir>/lib/index.ts',
    '^tradecloud-webhook/bullmq$': '<rootDir>/lib/bullmq/index.ts',
    '^tradecloud-webhook/redis$': '<rootDir>/lib/redis/index.ts',
    '^tradecloud-webhook/testing$': '<rootDir>/lib/testing/index.ts',
  },
}

module.exports = {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/__tests__/unit/**/*.test.ts'] },
    { ...base, displayName: 'express5', testMatch: ['<rootDir>/__tests__/integration/**/*.test.ts'] },
    {
      ...base,
      displayName: 'express4',
      testMatch: ['<rootDir>/__tests__/integration/**/*.test.ts'],
      moduleNameMapper: { ...base.moduleNameMapper, '^express$': 'express4' },
    },
    { ...base, displayName: 'redis', testMatch: ['<rootDir>/__tests__/redis/**/*.test.ts'] },
    { ...base, displayName: 'faults', testMatch: ['<rootDir>/__tests__/faults/**/*.test.ts'] },
    { ...base, displayName: 'fuzz', testMatch: ['<rootDir>/__tests__/fuzz/**/*.test.ts'] },
    { ...base, displayName: 'package', testMatch: ['<rootDir>/__tests__/package/**/*.test.ts'] },
  ],
  collectCoverageFrom: ['lib/**/*.ts', '!lib/**/*.d.ts'],
  coverageDirectory: 'coverage',
}
