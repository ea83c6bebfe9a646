import { formatServerTable } from './server-table.js';
import { formatAge, formatBytes, formatTable } from './text-table.js';

test.each([
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [200, '3m20s'],
  [600, '10m'],
  [10_799, '179m'],
  [10_800, '3h'],
  [15_000, '4h10m'],
  [30 * 3_600, '30h'],
  [53 * 3_600, '2d5h'],
  [12 * 86_400, '12d'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatAge(seconds * 1000)).toBe(text);
});

test.each([
  [512, '512 B'],
  [1536, '1.5 KiB'],
  [50 << 20, '50 MiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('columns are as wide as their widest cell, without trailing blanks', () => {
  expect(
    formatTable(
      ['NAME', 'AGE'],
      [
        ['a-long-name', ''],
        ['b', '5s'],
      ],
    ),
  ).toBe('NAME          AGE\na-long-name\nb             5s');
});

test("the server's table shows less important columns when wide, and namespaces when asked", () => {
  const table = {
    columnDefinitions: [{ name: 'Name' }, { name: 'Ip', priority: 1 }],
    rows: [{ cells: ['a', '10.0.0.1'], object: { metadata: { namespace: 'web' } } }],
  };
  expect(formatServerTable(table, { wide: false, namespaces: false })).toBe('NAME\na');
  expect(formatServerTable(table, { wide: true, namespaces: true })).toBe(
    'NAMESPACE   NAME   IP\nweb         a      10.0.0.1',
  );
  expect(formatServerTable({ ...table, rows: [] }, { wide: false, namespaces: false })).toBe('');
});
