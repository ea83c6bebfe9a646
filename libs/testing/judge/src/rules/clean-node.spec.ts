import { checkClean, type Finding } from './clean-node.js';

const living = {
  podUids: new Set(['alive']),
  podAddresses: new Set(['10.64.0.4']),
  serviceAddresses: new Set(['10.96.0.1']),
};
const sandbox = (name: string, uid: string): Finding => ({ kind: 'sandbox', name, owner: { type: 'pod', uid } });
const check = (...findings: Finding[]) => checkClean(findings, living).map(({ what }) => what);

describe('J8 clean', () => {
  it('accepts what a living pod or service owns', () => {
    expect(
      check(
        sandbox('s1', 'alive'),
        { kind: 'container', name: 'c1', owner: { type: 'pod', uid: 'alive' } },
        { kind: 'mount', name: '/rootfs', owner: { type: 'container', id: 'c1' } },
        { kind: 'link', name: 'veth1', owner: { type: 'container', id: 's1' } },
        { kind: 'rule', name: 'endpoint', owner: { type: 'podAddress', address: '10.64.0.4' } },
        { kind: 'rule', name: 'service', owner: { type: 'serviceAddress', address: '10.96.0.1' } },
      ),
    ).toEqual([]);
  });

  it.each<[string, Finding[], string]>([
    ['a container of a pod that is gone', [sandbox('s1', 'dead')], 'the sandbox s1 is left over: its pod dead is gone'],
    [
      'a control group',
      [{ kind: 'control group', name: '/p/poddead', owner: { type: 'pod', uid: 'dead' } }],
      'the control group /p/poddead is left over: its pod dead is gone',
    ],
    [
      'a mount of a container that is gone',
      [{ kind: 'mount', name: '/rootfs', owner: { type: 'container', id: 's9' } }],
      'the mount /rootfs is left over: its container s9 is gone',
    ],
    [
      'a link that nobody made',
      [{ kind: 'link', name: 'veth1', owner: { type: 'nobody' } }],
      'the link veth1 is left over: nobody is known to have made it',
    ],
    [
      'a rule for an endpoint that is gone',
      [{ kind: 'rule', name: 'x', owner: { type: 'podAddress', address: '10.64.0.9' } }],
      'the rule x is left over: no pod has the address 10.64.0.9',
    ],
    [
      'a rule for a service that is gone',
      [{ kind: 'rule', name: 'x', owner: { type: 'serviceAddress', address: '10.96.0.9' } }],
      'the rule x is left over: no service has the address 10.96.0.9',
    ],
  ])('sees %s', (_name, findings, what) => {
    expect(check(...findings)).toEqual([what]);
  });

  it('sees what belongs to a container whose pod is gone', () => {
    const mount: Finding = { kind: 'mount', name: '/rootfs', owner: { type: 'container', id: 's1' } };
    expect(check(sandbox('s1', 'dead'), mount)).toHaveLength(2);
  });
});
