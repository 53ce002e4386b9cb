// `npm test` runs three projects: unit (without Express), and integration on Express 5 and on Express 4.
// CI also runs testing (the subpath /testing), cli, long (bodies of the maximum size, snippets of the docs, and
// examples), long4 (the tests of `long` that depend on the version of Express, on Express 4), inbox (SQLite and
// PostgreSQL), redis (needs redis-server), postgres (needs PostgreSQL), faults (real processes that are killed),
// proxies (real proxies, such as nginx), browser (needs Chromium), fuzz (hostile input) and package (the packed
// tarball). `__tests__/size.ts` determines the size of the tests.
const base = {
  testEnvironment: 'node',
  transform: { '\\.ts$': '<rootDir>/__tests__/transpile.js' },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.stryker-tmp/', '<rootDir>/bench/'],
  moduleNameMapper: {
    '^tradecloud-webhook$': '<rootDir>/lib/index.ts',
    '^tradecloud-webhook/inspector$': '<rootDir>/lib/inspector/index.ts',
    '^tradecloud-webhook/prometheus$': '<rootDir>/lib/telemetry/prometheus.ts',
    '^tradecloud-webhook/opentelemetry$': '<rootDir>/lib/telemetry/opentelemetry.ts',
    '^tradecloud-webhook/postgres$': '<rootDir>/lib/inbox/postgres/index.ts',
    '^tradecloud-webhook/sqlite$': '<rootDir>/lib/inbox/sqlite/index.ts',
    '^tradecloud-webhook/redis$': '<rootDir>/lib/deliver/dedupe/redis/index.ts',
    '^tradecloud-webhook/testing$': '<rootDir>/lib/testing/index.ts',
  },
}

const project = (displayName, folder = displayName, more = {}) => ({
  ...base,
  displayName,
  testMatch: [`<rootDir>/__tests__/${folder}/**/*.test.ts`],
  ...more,
})

const onExpress4 = { moduleNameMapper: { ...base.moduleNameMapper, '^express$': 'express4' } }

module.exports = {
  projects: [
    project('unit'),
    project('express5', 'integration'),
    // The ignored tests do not depend on the version of Express, so they run only on Express 5.
    project('express4', 'integration', {
      ...onExpress4,
      testPathIgnorePatterns: [
        '/(telemetry|traces|metrics|log-lines)\\.test',
        '/(catch-up|catch-up-metrics|inspector-actions|inspector-download|oauth)\\.test',
        '/(worker|inbox-limits|inbox-quarantine|inbox-retries)\\.test',
        '/(changed-events|duplicates|event-names|fetch-option|fetching|resends)\\.test',
        '/(bytes-in-flight|encodings|txml)\\.test',
      ],
    }),
    project('testing'),
    project('cli'),
    project('long'),
    project('long4', 'long', {
      ...onExpress4,
      testPathIgnorePatterns: ['/(readme|examples|burst|links|large-bodies)\\.test'],
    }),
    project('inbox'),
    project('redis'),
    project('postgres'),
    project('faults'),
    project('proxies'),
    project('browser'),
    project('fuzz'),
    project('package', 'package', {
      globalSetup: '<rootDir>/__tests__/package/pack.ts',
      globalTeardown: '<rootDir>/__tests__/package/unpack.ts',
    }),
  ],
  // Test files leak memory, and a worker with a large heap spends its time on garbage collection.
  workerIdleMemoryLimit: '500MB',
  // Ends tests that hang. The limit is generous, because no test may depend on the speed of the machine.
  testTimeout: process.env.TEST_SIZE === 'full' ? 1_800_000 : 300_000,
  collectCoverageFrom: ['lib/**/*.ts', '!lib/**/*.d.ts'],
  coverageDirectory: 'coverage',
}
