import { describeLogLine } from './log-tail.js';

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
