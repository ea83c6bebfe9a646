import { isAtLeast, parseVersion } from './program-version.js';

test.each([
  ['nats-server: v2.15.1', [2, 15, 1]],
  ['1.12', [1, 12, 0]],
  ['none', undefined],
])('%j is %j', (text, version) => {
  expect(parseVersion(text)).toEqual(version);
});

test.each([
  [[2, 12, 0], [2, 12, 0], true],
  [[2, 9, 10], [2, 12, 0], false],
  [[3, 0, 0], [2, 12, 0], true],
  [[2, 12, 1], [2, 12, 0], true],
] as const)('%j is at least %j: %s', (version, oldest, expected) => {
  expect(isAtLeast(version, oldest)).toBe(expected);
});
