import { describeStorageFailure } from './storage-failure.js';

const failure = (code: string, fields: object = {}, message = `${code}: it failed`) =>
  Object.assign(new Error(message), { code, ...fields });

test.each([
  ['a full disk', failure('ENOSPC', { path: '/tmp/a' }), /^the disk of \/tmp\/a is full: .* are left$/, /df -h \/tmp/],
  ['a full target of a copy', failure('ENOSPC', { path: '/a', dest: '/tmp/b' }), /the disk of \/tmp\/b/, /df -h/],
  ['a quota', failure('EDQUOT', { path: '/tmp/a' }), /the disk of \/tmp\/a/, /df -h/],
  ['a read-only disk', failure('EROFS', { path: '/mnt/a' }), /^\/mnt\/a is on a read-only file system$/, /remount,rw/],
  [
    'what another program said of it',
    new Error('initdb exited with 1: all is well\ncould not write to "pg_wal/1": No space left on device\nbye'),
    /^could not write to "pg_wal\/1": No space left on device$/,
    /df -h/,
  ],
  [
    'what led to a failure',
    new Error('the image was not made', { cause: failure('ENOSPC', { path: '/tmp/a' }) }),
    /the disk of \/tmp\/a/,
    /df -h/,
  ],
])('%s is told with its path and what to do', (_, error, message, hint) => {
  const described = describeStorageFailure(error, []);
  expect(described?.message).toMatch(message);
  expect(described?.hint).toMatch(hint);
});

test('other failures are left alone', () => {
  expect(describeStorageFailure(failure('ENOENT', { path: '/tmp/a' }), ['/tmp'])).toBeUndefined();
});
