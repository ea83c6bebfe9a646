import type { Json } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { parseAuditPolicy } from './audit-policy.js';
import { type AuditTrail, createAuditor } from './auditor.js';

const pods = {
  type: 'resource',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'default',
  name: 'one',
} as const;

function begin(level: string, more = ''): { readonly trail: AuditTrail; readonly lines: string[] } {
  const parsed = parseAuditPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: ${level}${more}}]`);
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const lines: string[] = [];
  const auditor = createAuditor({
    policy: parsed.policy,
    write: (line) => lines.push(line),
    time: createVirtualTime(Date.UTC(2026, 0, 1)),
    random: createSeededRandom(1),
  });
  const trail = auditor.begin({ givenId: 'id-1', uri: '/x', userAgent: 'spec', sourceIps: ['10.0.0.1'] });
  trail.asks('create', pods);
  trail.asked({ name: 'jane', uid: '', groups: ['dev'], extra: new Map([['scopes', ['a']]]) });
  return { trail, lines };
}

test("an event has upstream's fields in upstream's order", () => {
  const { trail, lines } = begin('Metadata', ', omitStages: [RequestReceived]');
  trail.requested(() => ({ a: 1 }));
  trail.answered(() => ({ b: 1 }));
  trail.ended(201);
  expect(lines).toEqual([
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-1","stage":"ResponseComplete",' +
      '"requestURI":"/x","verb":"create","user":{"username":"jane","groups":["dev"],"extra":{"scopes":["a"]}},' +
      '"sourceIPs":["10.0.0.1"],"userAgent":"spec",' +
      '"objectRef":{"resource":"pods","namespace":"default","name":"one","apiVersion":"v1"},' +
      '"responseStatus":{"metadata":{},"code":201},' +
      '"requestReceivedTimestamp":"2026-01-01T00:00:00.000000Z","stageTimestamp":"2026-01-01T00:00:00.000000Z"}',
  ]);
});

test.each<[level: string, request: boolean, answer: boolean]>([
  ['Metadata', false, false],
  ['Request', true, false],
  ['RequestResponse', true, true],
])('at %s objects are asked for only where they are told', (level, request, answer) => {
  const { trail, lines } = begin(level);
  const made: string[] = [];
  const make = (what: string) => (): Json => {
    made.push(what);
    return { metadata: { name: what, managedFields: [{}] } };
  };
  trail.requested(make('request'));
  trail.answered(make('answer'));
  trail.ended(200);
  expect(made).toEqual([...(request ? ['request'] : []), ...(answer ? ['answer'] : [])]);
  expect(lines.map((line) => line.includes('managedFields'))).toEqual([false, request]);
});

test('managed fields are left out where the policy says so, of lists too', () => {
  const { trail, lines } = begin('RequestResponse', ', omitManagedFields: true');
  const object = { metadata: { name: 'kept', managedFields: [{}] } };
  trail.requested(() => object);
  trail.answered(() => ({ items: [object] }));
  trail.ended(200);
  expect(lines.at(-1)).not.toContain('managedFields');
  expect(lines.at(-1)?.match(/kept/g)).toHaveLength(2);
});

test('what is too long is left out, and the event says so', () => {
  const { trail, lines } = begin('Request');
  trail.requested(() => 'x'.repeat(2 << 20));
  trail.ended(200);
  expect(lines.at(-1)?.length).toBeLessThan(1_000);
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ annotations: { 'audit.k8s.io/truncated': 'true' } });
});

test('a request ends once, and as the refusal says', () => {
  const { trail, lines } = begin('Metadata');
  trail.refused({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'NotFound', code: 404 });
  trail.ended(404);
  trail.ended(200);
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { stage: 'RequestReceived' },
    { stage: 'ResponseComplete', responseStatus: { status: 'Failure', reason: 'NotFound', code: 404 } },
  ]);
});

test('a request without an answer ends without a status', () => {
  const { trail, lines } = begin('Metadata');
  trail.ended(undefined);
  expect(JSON.parse(lines.at(-1)!)).not.toHaveProperty('responseStatus');
});
