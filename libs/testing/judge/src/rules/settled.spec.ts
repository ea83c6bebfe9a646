import type { LoggedEvent } from '../log-history.js';
import { entry, historyOf } from '../made-history.js';
import { checkQuiet, checkSettled } from './settled.js';

let revision = 0;
function made(resource: string, name: string, object: object, owner?: string): LoggedEvent {
  revision += 1;
  const logged = entry(revision, name);
  const { metadata = {}, ...rest } = object as { metadata?: object };
  const ownerReferences = owner ? [{ uid: owner, controller: true }] : undefined;
  const complete = { metadata: { name, namespace: 'default', uid: name, ownerReferences, ...metadata }, ...rest };
  const group = resource === 'pods' ? '' : 'apps';
  return {
    ...logged,
    subject: `${resource} ${name}`,
    event: {
      ...logged.event,
      key: { ...logged.event.key, group, resource },
      object: Buffer.from(JSON.stringify(complete)),
    },
  };
}
const web = (replicas: number, available = replicas, generation = 1) =>
  made('deployments', 'web', {
    metadata: { generation },
    spec: { replicas },
    status: { observedGeneration: 1, replicas, availableReplicas: available, updatedReplicas: replicas },
  });
const set = (replicas: number, owner = 'web') => made('replicasets', 'web-1', { spec: { replicas } }, owner);
const pod = (name: string, owner = 'web-1', metadata = {}) =>
  made('pods', name, { metadata, status: { phase: 'Running' } }, owner);

describe('J7 settled', () => {
  it.each<[string, LoggedEvent[], string[]]>([
    ['all is as it is wanted', [web(2), set(2), pod('a'), pod('b')], []],
    ['there is nothing', [], []],
    ['a pod belongs to nobody', [made('pods', 'lonely', {})], []],
    ['a replica is not available', [web(1, 0), set(1), pod('a')], ['deployment default/web wants 1']],
    ['the newest generation was not seen', [web(1, 1, 2), set(1), pod('a')], ['deployment default/web wants 1']],
    [
      'a pod is missing',
      [web(2), set(2), pod('a')],
      ['replica set default/web-1 wants 2 pods and has 1: default/a (Running)'],
    ],
    ['a pod is left over', [web(0), set(0), pod('a')], ['replica set default/web-1 wants 0 pods and has 1']],
    ['a pod has lost its owner', [pod('a', 'gone')], ['the owner of default/a is gone']],
    ['a replica set has lost its owner', [set(0, 'gone')], ['the owner of default/web-1 is gone']],
    [
      'a pod does not go',
      [web(1), set(1), pod('a', 'web-1', { deletionTimestamp: 'now' })],
      ['pod default/a is on its way out and does not go'],
    ],
  ])('judges a cluster where %s', (_name, entries, expected) => {
    const found = checkSettled(historyOf(entries)).map(({ what }) => what);
    expect(found).toEqual(expected.map((what) => expect.stringContaining(what)));
  });

  it('tells who writes while all is at rest', () => {
    const history = historyOf([entry(1, 'x'), entry(2, 'x', { parent: 1, atMs: 900 })]);
    expect(checkQuiet(history, 500, 0)).toEqual([
      {
        rule: 'J7 settled',
        what: '1 entries were written while all was at rest',
        story: ['0.900 s  the log at 2: update core/configmaps/default/x on 1 by alice (request r2)'],
      },
    ]);
    expect(checkQuiet(history, 900, 0)).toEqual([]);
  });

  it('does not take the barrier of a consistent read for noise', () => {
    const logged = entry(9, 'x', { atMs: 900 });
    const barrier: LoggedEvent = { ...logged, event: { ...logged.event, verb: 'system', system: { type: 'barrier' } } };
    expect(checkQuiet(historyOf([barrier]), 500, 0)).toEqual([]);
  });
});
