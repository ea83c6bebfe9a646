import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@periplus/base/telemetry';
import { Registry } from 'prom-client';
import { openAuditLog } from './audit-log.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (more: Partial<Parameters<typeof openAuditLog>[0]> = {}) =>
  openAuditLog({
    path: join(folder, 'audit.log'),
    maxSizeMegabytes: 1,
    maxBackups: 2,
    maxAgeDays: 30,
    registry: new Registry(),
    logger: silentLogger,
    ...more,
  });

const backups = () => readdirSync(folder).filter((name) => name !== 'audit.log');

test('what was written is there as soon as it is closed, and goes on after a restart', () => {
  for (const line of ['one', 'two']) {
    const log = open();
    log.write(line);
    log.close();
  }
  expect(readFileSync(join(folder, 'audit.log'), 'utf8')).toBe('one\ntwo\n');
  expect(statSync(join(folder, 'audit.log')).mode & 0o777).toBe(0o600);
});

test('the file is begun anew when it is large, and only so many old ones are kept', async () => {
  const log = open();
  for (let part = 0; part < 5 * 16 + 1; part++) {
    log.write(`${part} `.padEnd(70_000, 'x'));
    if (part % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  log.close();
  expect(backups()).toHaveLength(2);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(2 ** 20);
  expect(readFileSync(join(folder, 'audit.log'), 'utf8')).toContain('80 x');
});

test('old files go when their days are over; other files are left alone', () => {
  const [old, young, other] = ['audit-2001-01-31T12-00-00.000.log', `audit-${fresh()}.log`, 'audit-notes.log'];
  for (const name of [old, young, other]) writeFileSync(join(folder, name), '');
  open().close();
  expect(backups().sort()).toEqual([young, other].sort());
});
const fresh = () => new Date().toISOString().replaceAll(':', '-').replace('Z', '');

test('a place that cannot be written to is told at once', () => {
  mkdirSync(join(folder, 'audit.log'));
  expect(() => open()).toThrow('EISDIR');
});

test('what the disk does not take is counted, and the next is tried again', async () => {
  const registry = new Registry();
  const log = open({ path: '/dev/full', registry });
  log.write('lost');
  log.close();
  expect(await registry.getSingleMetricAsString('apiserver_audit_error_total')).toContain(
    'apiserver_audit_error_total 1',
  );
});
