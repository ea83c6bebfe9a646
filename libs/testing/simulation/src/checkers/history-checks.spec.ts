import { toRevision } from '@periplus/api/meta';
import { emptyKey, type ObjectEvent } from '@periplus/log/object-events';
import { checkBoundOnce, checkKept, checkOnce, checkParents } from './history-checks.js';
import type { LoggedEvent } from './log-history.js';

const key = { group: '', resource: 'pods', namespace: 'default', name: 'p' };

function logged(revision: number, parent: number, overrides: Partial<ObjectEvent> = {}): LoggedEvent {
  return {
    revision: toRevision(revision),
    subject: 'objects.core.pods.default.p',
    event: {
      verb: 'update',
      key,
      uid: 'u',
      actor: { user: 'a', groups: [], userAgent: '' },
      requestId: `r${revision}`,
      changeId: '',
      timeMicros: 0,
      parent: toRevision(parent),
      apiVersion: 'v1',
      kind: 'Pod',
      object: Buffer.from('{"metadata":{"uid":"u"}}'),
      ...overrides,
    },
  };
}
const boundTo = (node: string): Partial<ObjectEvent> => ({
  object: Buffer.from(JSON.stringify({ metadata: { uid: 'u' }, spec: { nodeName: node } })),
});

describe('the judges of a log', () => {
  it('accept one line, also over a delete and a new object of the name', () => {
    const history = [logged(1, 0), logged(2, 1), logged(3, 2, { verb: 'delete' }), logged(4, 0, { verb: 'create' })];
    expect(checkParents(history)).toEqual([]);
  });

  it('see a fork', () => {
    expect(checkParents([logged(1, 0), logged(2, 1), logged(3, 1)])).toEqual([
      'core/pods/default/p at 3 names parent 1, not 2',
    ]);
  });

  it('see an acknowledged write that is missing, or another in its place', () => {
    const acknowledged = [{ requestId: 'mine', revision: toRevision(1), what: 'create p' }];
    expect(checkKept([logged(1, 0, { requestId: 'mine' })], acknowledged)).toEqual([]);
    expect(checkKept([logged(1, 0, { requestId: 'other' })], acknowledged)).toHaveLength(1);
    expect(checkKept([], acknowledged)).toHaveLength(1);
  });

  it('see a request that wrote twice', () => {
    const twice = [logged(1, 0, { requestId: 'mine' }), logged(2, 1, { requestId: 'mine' })];
    expect(checkOnce(twice, new Set(['mine']))).toHaveLength(1);
    expect(checkOnce(twice.slice(1), new Set(['mine']))).toEqual([]);
  });

  it('see a pod that moved to another node', () => {
    expect(checkBoundOnce([logged(1, 0), logged(2, 1, boundTo('a')), logged(3, 2, boundTo('a'))])).toEqual([]);
    expect(checkBoundOnce([logged(1, 0, boundTo('a')), logged(2, 1, boundTo('b'))])).toHaveLength(1);
  });

  it('do not judge system entries', () => {
    expect(checkParents([logged(1, 9, { verb: 'system', key: emptyKey })])).toEqual([]);
  });
});
