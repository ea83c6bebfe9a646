/** One jest for the whole workspace; suites are told apart by their files' suffixes (see tools/test/run.mjs). */
export default {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/tools', '<rootDir>/bench'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
  },
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^@periplus/(.*)/testing$': '<rootDir>/libs/$1/src/testing.ts',
    '^@periplus/([^/]+/[^/]+)$': '<rootDir>/libs/$1/src/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  reporters: ['default', '<rootDir>/tools/test/summary-reporter.mjs'],
  testSequencer: '<rootDir>/tools/test/sequencer.mjs',
  maxWorkers: 2,
  testTimeout: 30_000,
};
