import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from './config-error.js';
import { defineConfig } from './config-table.js';
import { formatDuration, parseDuration } from './duration.js';
import { formatHelp } from './help.js';
import { loadConfig } from './load-config.js';

const definition = defineConfig({
  program: 'sample',
  summary: 'Shows every type of option.',
  options: [
    { name: 'natsUrl', type: 'string', required: true, help: 'where the log is', example: 'tls://127.0.0.1:4222' },
    { name: 'replicas', type: 'number', default: 3, help: 'how many' },
    { name: 'verbose', type: 'boolean', default: false, help: 'say more' },
    { name: 'drainTimeout', type: 'duration', default: 90_000, help: 'how long to finish work' },
    { name: 'listenAddress', type: 'strings', default: ['127.0.0.1:1'], help: 'where to listen' },
    { name: 'nodeName', type: 'string', help: 'which node' },
  ],
});

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: unknown): string {
  const path = join(folder, 'config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function load(argv: string[], env: Record<string, string> = {}) {
  const loaded = loadConfig(definition, argv, env);
  if (loaded.kind !== 'config') throw new Error('help was not asked');
  return loaded.config;
}

function problems(argv: string[], env: Record<string, string> = {}): readonly string[] {
  try {
    load(argv, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('a flag overrides the variable, the variable the file, the file the default', () => {
  const path = file({ natsUrl: 'from-file', replicas: 5, nodeName: 'from-file' });
  const config = load(['--config', path, '--nats-url=from-flag'], {
    PERIPLUS_NATS_URL: 'from-env',
    PERIPLUS_NODE_NAME: 'from-env',
  });
  expect(config).toEqual({
    natsUrl: 'from-flag',
    replicas: 5,
    verbose: false,
    drainTimeout: 90_000,
    listenAddress: ['127.0.0.1:1'],
    nodeName: 'from-env',
  });
});

test('the file may be named by PERIPLUS_CONFIG', () => {
  expect(load([], { PERIPLUS_CONFIG: file({ natsUrl: 'x' }) }).natsUrl).toBe('x');
});

test.each([
  ['a number', ['--replicas', '7'], { replicas: 7 }],
  ['a bare boolean flag', ['--verbose'], { verbose: true }],
  ['a boolean with a value', ['--verbose=false'], { verbose: false }],
  ['a duration', ['--drain-timeout', '1m30s'], { drainTimeout: 90_000 }],
  ['a comma-separated list', ['--listen-address', 'a:1, b:2'], { listenAddress: ['a:1', 'b:2'] }],
  ['a repeated list flag', ['--listen-address=a:1', '--listen-address=b:2'], { listenAddress: ['a:1', 'b:2'] }],
])('reads %s', (_, argv, expected) => {
  expect(load(['--nats-url=n', ...argv])).toMatchObject(expected);
});

test.each([
  ['a missing required option', [], ['--nats-url (or PERIPLUS_NATS_URL, or natsUrl in the file) is required']],
  ['an unknown flag', ['--nats-url=n', '--replica=1'], ['unknown flag --replica, did you mean --replicas?']],
  ['a flag without its value', ['--nats-url'], ['--nats-url needs a value', expect.stringContaining('is required')]],
  ['a flag given twice', ['--nats-url=a', '--nats-url=b'], ['--nats-url is given twice']],
  ['a wrong number', ['--nats-url=n', '--replicas=x'], ['--replicas must be a number, not "x"']],
  ['an empty number', ['--nats-url=n', '--replicas='], ['--replicas must be a number, not ""']],
  ['a positional argument', ['--nats-url=n', 'now'], ['unexpected argument "now"']],
  [
    'a file that is not there',
    ['--nats-url=n', '--config=/nowhere'],
    [expect.stringContaining('cannot read /nowhere')],
  ],
])('refuses %s', (_, argv, expected) => {
  expect(problems(argv)).toEqual(expected);
});

test.each([
  ['an unknown key', { natsUrl: 'n', natsURL: 'n' }, /unknown key "natsURL" .* did you mean natsUrl\?/],
  ['a wrong type', { natsUrl: 1 }, /natsUrl in .* must be a text, not 1/],
  ['a list', [], /does not hold a JSON object/],
  ['malformed JSON', '{', /cannot read/],
])('refuses a file with %s', (_, content, expected) => {
  expect(problems(['--config', file(content)])[0]).toMatch(expected);
});

test('help names every option with its variable and default', () => {
  const loaded = loadConfig(definition, ['--help'], {});
  const text = loaded.kind === 'help' ? loaded.text : '';
  expect(text).toBe(formatHelp(definition));
  for (const part of ['--drain-timeout DURATION', 'PERIPLUS_DRAIN_TIMEOUT', 'default 1m30s', 'required', 'e.g. tls:']) {
    expect(text).toContain(part);
  }
});

test.each([
  ['0s', 0],
  ['500ms', 500],
  ['1m30s', 90_000],
  ['1h', 3_600_000],
  ['1d2h', 93_600_000],
])('duration %s is %d ms, both ways', (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs);
  expect(formatDuration(durationMs)).toBe(text);
});

test.each(['', 's', '5 s', '5x', '-5s', '1m30'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
