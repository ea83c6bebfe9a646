import type { ServiceStatus } from '@periplus/ops/processes';
import { describeService, formatServices } from './service-table.js';

const status: ServiceStatus = {
  name: 'projector',
  state: 'running',
  ready: true,
  pid: 7,
  version: '1',
  restarts: 0,
  startedAt: 0,
  logFile: '/log',
};

describe('the table of services', () => {
  it.each<[string, Partial<ServiceStatus>, RegExp]>([
    ['well', {}, /ok$/],
    [
      'well, with something to know',
      { note: 'the projection is being built: 45 %' },
      /ok: the projection is being built: 45 %$/,
    ],
    ['not ready', { ready: false, reason: '500 no log' }, /not ready: 500 no log$/],
    ['gone', { ready: false, state: 'restarting', pid: undefined }, /restarting$/],
  ])('says of a service that is %s', (_name, change, health) => {
    expect(
      formatServices([{ ...status, ...change }], 60_000)
        .trimEnd()
        .split('\n')[1],
    ).toMatch(health);
  });

  it('keeps a note in the data', () => {
    expect(describeService({ ...status, note: 'half' })).toMatchObject({ health: 'ok', note: 'half' });
  });
});
