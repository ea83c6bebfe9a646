import { parseKinds, parseObjectArgument } from './object-argument.js';

test.each([
  ['pods', undefined, { kind: 'pods', name: undefined }],
  ['deploy', 'web', { kind: 'deploy', name: 'web' }],
  ['deploy/web', undefined, { kind: 'deploy', name: 'web' }],
])('%s %s', (first, second, expected) => {
  expect(parseObjectArgument(first, second)).toEqual(expected);
});

test('kinds may be several', () => {
  expect(parseKinds('deploy,pods,')).toEqual(['deploy', 'pods']);
  expect(() => parseKinds(',')).toThrow('names no kind');
});

test.each([
  ['/web', undefined],
  ['deploy/', undefined],
  ['deploy/a/b', undefined],
  ['deploy/web', 'web'],
])('%s %s is refused', (first, second) => {
  expect(() => parseObjectArgument(first, second)).toThrow();
});
