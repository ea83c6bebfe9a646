import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LockFile, missingOptionalPackages } from './lock-file.mjs';

test("this repository's lock file is complete, so npm ci takes it (else: node tools/build/complete-lock.mjs)", () => {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package-lock.json'), 'utf8')) as LockFile;
  expect(Object.keys(missingOptionalPackages(lock))).toEqual([]);
});

const versionOf = { '@x/linux-arm64-musl': '^1.2.3' };

test.each([
  ['nowhere', { 'node_modules/a': { optionalDependencies: versionOf } }, 1],
  ['at the top', { 'node_modules/a': { optionalDependencies: versionOf }, 'node_modules/@x/linux-arm64-musl': {} }, 0],
  [
    'below the package',
    { 'node_modules/a': { optionalDependencies: versionOf }, 'node_modules/a/node_modules/@x/linux-arm64-musl': {} },
    0,
  ],
  [
    'beside it in a nested folder',
    {
      'node_modules/b/node_modules/a': { optionalDependencies: versionOf },
      'node_modules/b/node_modules/@x/linux-arm64-musl': {},
    },
    0,
  ],
])('an optional package that is %s', (_, packages, count) => {
  expect(Object.values(missingOptionalPackages({ packages }))).toHaveLength(count);
});

test('an added entry says which platform it is for', () => {
  const packages = { 'node_modules/a': { optionalDependencies: versionOf } };
  expect(missingOptionalPackages({ packages })).toEqual({
    'node_modules/@x/linux-arm64-musl': {
      version: '1.2.3',
      cpu: ['arm64'],
      os: ['linux'],
      libc: ['musl'],
      optional: true,
    },
  });
});
