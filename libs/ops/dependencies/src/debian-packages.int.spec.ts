import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ensurePackages } from './debian-packages.js';

const path = process.env['PATH'] ?? '';
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'apt-'));
  process.env['PATH'] = [folder, path].join(delimiter);
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true });
});

/** A program of this name for as long as the test runs; it keeps a list of its calls. */
function pretend(name: string, script: string): void {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\ncd ${folder}\necho "${name} $*" >> calls\n${script}\n`);
  chmodSync(file, 0o755);
}
const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
const need = { package: 'marvel', isPresent: () => existsSync(join(folder, 'installed')) };
const install = 'apt-get install -qq -y --no-install-recommends marvel';

test('what is missing is installed, what is there is not asked for', async () => {
  pretend('apt-get', 'case "$1" in install) touch installed;; esac');
  expect(await ensurePackages([need, { package: 'other', isPresent: () => true }])).toEqual(['marvel']);
  expect(calls()).toEqual(['apt-get -qq update', install]);
  expect(await ensurePackages([need])).toEqual([]);
});

test.each([
  ['the lists', 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)'],
  ['dpkg', 'E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?'],
])('an apt-get that an earlier run left behind with %s locked is waited for', async (_, words) => {
  pretend(
    'apt-get',
    `if [ ! -e second ]; then touch second; echo '${words}' >&2; exit 100; fi; [ "$1" = install ] && touch installed; exit 0`,
  );
  const notes: string[] = [];
  expect(await ensurePackages([need], (message) => notes.push(message))).toEqual(['marvel']);
  expect(notes).toContain('waiting for another program that installs packages');
});

test('an installation that was cut off is completed first', async () => {
  pretend(
    'apt-get',
    `if [ "$1" != install ]; then exit 0; fi
     if [ ! -e whole ]; then
       echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem." >&2; exit 100
     fi
     touch installed`,
  );
  pretend('dpkg', 'touch whole');
  expect(await ensurePackages([need])).toEqual(['marvel']);
  expect(calls()).toEqual([
    'apt-get -qq update',
    install,
    'dpkg --configure --force-confdef --force-confold -a',
    install,
  ]);
});

test('what apt-get says when it fails is told', async () => {
  pretend('apt-get', 'echo "E: Unable to locate package marvel" >&2; exit 100');
  await expect(ensurePackages([need])).rejects.toMatchObject({
    code: 'PackagesMissing',
    cause: { message: expect.stringContaining('Unable to locate package marvel') },
  });
});
