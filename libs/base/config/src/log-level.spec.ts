import { logLevelOf } from './log-level.js';

test('a level that there is', () => {
  expect(logLevelOf('spec', { logLevel: 'warn' })).toBe('warn');
});

test.each(['', 'trace', 'INFO', '__proto__'])('a level that there is not: %j', (logLevel) => {
  expect(() => logLevelOf('spec', { logLevel })).toThrow('--log-level must be one of debug, info, warn, error');
});
