import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { formatKubeconfig, KubeconfigError, mergeKubeconfig, removeFromKubeconfig } from './kubeconfig-entry.js';
import { kubeconfigPath, mergeIntoKubeconfig, removeContext } from './kubeconfig-file.js';

const entry = {
  contextName: 'periplus',
  server: 'https://127.0.0.1:6443',
  authorityCertificate: 'CA',
  clientCertificate: 'CERT',
  clientKey: 'KEY',
};
const foreign = `# mine
apiVersion: v1
kind: Config
clusters:
  - name: work # keep
    cluster: {server: "https://work"}
contexts:
  - name: work
    context: {cluster: work, user: me, namespace: team}
current-context: work
users:
  - name: me
    user: {token: abc}
`;

test('a merge adds three entries, makes them current and keeps the rest with its comments', () => {
  const merged = mergeKubeconfig(foreign, entry);
  expect(merged).toContain('# mine');
  expect(merged).toContain('# keep');
  const config = parse(merged);
  expect(config['current-context']).toBe('periplus');
  expect(config.contexts.map((context: { name: string }) => context.name)).toEqual(['work', 'periplus']);
  expect(config.users[1].user['client-key-data']).toBe(Buffer.from('KEY').toString('base64'));
});

test('a second merge changes nothing, a new certificate replaces the old', () => {
  const merged = mergeKubeconfig(foreign, entry);
  expect(mergeKubeconfig(merged, entry)).toBe(merged);
  const renewed = parse(mergeKubeconfig(merged, { ...entry, clientCertificate: 'NEW' }));
  expect(renewed.users).toHaveLength(2);
  expect(renewed.users[1].user['client-certificate-data']).toBe(Buffer.from('NEW').toString('base64'));
});

test('removing undoes a merge, and leaves no current context behind', () => {
  const removed = parse(removeFromKubeconfig(mergeKubeconfig(foreign, entry), 'periplus'));
  expect(removed).toEqual({ ...parse(foreign), 'current-context': '' });
  expect(removeFromKubeconfig(foreign, 'periplus')).toBe(foreign);
});

test.each([
  ['null lists, as kubectl writes them', 'apiVersion: v1\nkind: Config\nclusters: null\ncontexts: null\nusers: null\n'],
  ['an empty file', ''],
  ['JSON', '{"apiVersion":"v1","kind":"Config"}'],
])('merges into %s', (_, text) => {
  expect(parse(mergeKubeconfig(text, entry)).clusters).toEqual(parse(formatKubeconfig(entry)).clusters);
});

test.each([
  ['a list', '- a\n'],
  ['broken YAML', 'a: [\n'],
])('refuses %s', (_, text) => {
  expect(() => mergeKubeconfig(text, entry)).toThrow(KubeconfigError);
});

test('the file is replaced with a backup, readable by its owner alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  try {
    const path = join(folder, 'config');
    writeFileSync(path, foreign);
    expect(await mergeIntoKubeconfig(entry, path)).toMatchObject({ changed: true, backup: `${path}.before-periplus` });
    expect(readFileSync(`${path}.before-periplus`, 'utf8')).toBe(foreign);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await mergeIntoKubeconfig(entry, path)).changed).toBe(false);
    expect((await removeContext('periplus', path)).changed).toBe(true);
    expect(existsSync(`${path}.lock`)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [{ KUBECONFIG: '/a:/b' }, '/a'],
  [{ KUBECONFIG: ':/b' }, '/b'],
])('%j is %s', (env, path) => {
  expect(kubeconfigPath(env)).toBe(path);
});
