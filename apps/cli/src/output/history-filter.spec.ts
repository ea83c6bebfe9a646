import { isWanted } from './history-filter.js';

const entry = (change: Partial<Parameters<typeof isWanted>[0]>) => ({
  verb: 'update',
  user: 'periplus-admin',
  subresource: '',
  changedFields: ['spec.replicas'],
  ...change,
});

test.each([
  ['a change of the spec', {}, true],
  ['a creation', { verb: 'create', changedFields: [] }, true],
  ['a deletion', { verb: 'delete', changedFields: [] }, true],
  ['a report of the status', { subresource: 'status', changedFields: ['status.replicas'] }, false],
  ['a status written without its subresource', { changedFields: ['status', 'metadata.managedFields'] }, false],
  ['a label', { changedFields: ['metadata.labels.app', 'status.replicas'] }, true],
  ['a scaling', { subresource: 'scale' }, true],
])('--spec: %s', (_, change, shown) => {
  expect(isWanted(entry(change), { spec: true, by: undefined })).toBe(shown);
  expect(isWanted(entry(change), { spec: false, by: undefined })).toBe(true);
});

test.each([
  ['periplus-admin', true],
  ['periplus', false],
  ['periplus*', true],
  ['*admin', true],
  ['*', true],
  ['p*-a*n', true],
  ['p*x*n', false],
  ['periplus-admin*admin', false],
])('--by %s', (by, shown) => {
  expect(isWanted(entry({}), { spec: false, by })).toBe(shown);
});
