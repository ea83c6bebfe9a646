import { createLineSplitter, describeLogLine, toJsonLine } from './log-tail.js';

describe('a line of a log, for people', () => {
  it.each([
    [
      'an error with its cause, without the stack',
      '{"level":"error","service":"apiserver","error":{"message":"listen EADDRINUSE: address already in use 127.0.0.1:6443","stack":"…"},"msg":"could not start"}',
      'error could not start: listen EADDRINUSE: address already in use 127.0.0.1:6443',
    ],
    ['a plain message', '{"level":"info","msg":"serving"}', 'info serving'],
    ['what another program wrote', '[1] 2026/01/01 [INF] Server is ready', '[1] 2026/01/01 [INF] Server is ready'],
    ['JSON that is no log line', '{"a":1}', '{"a":1}'],
    ['half a line', '{"level":"info","ms', '{"level":"info","ms'],
  ])('%s', (_case, line, described) => {
    expect(describeLogLine(line)).toBe(described);
  });
});

test.each([
  ['of our own services', '{"ts":1,"service":"proxy","msg":"hi"}', { service: 'proxy', ts: 1, msg: 'hi' }],
  ['of another JSON logger', '{"level":"info"}', { service: 'nats', level: 'info' }],
  ['in plain text', '[1] [INF] Server is ready', { service: 'nats', msg: '[1] [INF] Server is ready' }],
])('a line %s is an object that names its service', (_, line, expected) => {
  expect(JSON.parse(toJsonLine('nats', line))).toEqual(expected);
});

test('lines are whole however they come in', () => {
  const lines: string[] = [];
  const split = createLineSplitter((line) => lines.push(line));
  const bytes = Buffer.from('first\nsecönd\nthird');
  for (const byte of bytes) split(Buffer.from([byte]));
  expect(lines).toEqual(['first', 'secönd']);
});
