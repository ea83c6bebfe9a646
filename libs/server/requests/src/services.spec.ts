import type { Service } from '@periplus/api/kinds';
import { startTestServer, type TestServer } from './testing.js';

const at = { path: 'v1/services', namespace: 'default' };
const service = (name: string, spec: object = {}, type = 'ClusterIP') => ({
  metadata: { name },
  spec: { type, selector: { app: 'a' }, ports: [{ port: 80 }], ...spec },
});

describe('services', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer();
  });
  const create = (object: object, options = {}) => server.object<Service>({ verb: 'create', ...at, object, options });
  const patch = (name: string, object: object) =>
    server.object<Service>({ verb: 'patch', ...at, name, mediaType: 'application/merge-patch+json', object });
  const remove = (name: string) => server.handle({ verb: 'delete', ...at, name });
  const reserved = async () => {
    const list = await server.handle({ verb: 'list', path: 'networking.k8s.io/v1/ipaddresses' });
    return list.type === 'list' ? list.items.map((item) => item.object().metadata?.name) : [];
  };

  it('get an address of their own from the range, reserved in the same transaction', async () => {
    const a = await create(service('a'));
    const b = await create(service('b'));
    expect(a.spec).toMatchObject({
      clusterIP: expect.stringMatching(/^10\.96\./),
      clusterIPs: [a.spec?.clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    });
    expect(b.spec?.clusterIP).not.toBe(a.spec?.clusterIP);
    expect(await reserved()).toEqual(expect.arrayContaining(['10.96.0.1', a.spec?.clusterIP, b.spec?.clusterIP]));
  });

  it('keep their address through updates that do not name it', async () => {
    const { spec } = await create(service('a'));
    const updated = await server.object<Service>({
      verb: 'update',
      ...at,
      name: 'a',
      object: service('a', { ports: [{ port: 81 }] }),
    });
    expect(updated.spec?.clusterIP).toBe(spec?.clusterIP);
  });

  it('give back what they held when they go', async () => {
    const { spec } = await create(service('a', {}, 'NodePort'));
    await remove('a');
    expect(await reserved()).toEqual(['10.96.0.1']);
    const again = await create(
      service(
        'b',
        { clusterIP: spec?.clusterIP, ports: [{ port: 80, nodePort: spec?.ports?.[0]?.nodePort }] },
        'NodePort',
      ),
    );
    expect(again.spec?.clusterIP).toBe(spec?.clusterIP);
  });

  const refusals: [name: string, object: object, field: string, message: RegExp][] = [
    [
      'an address that is taken',
      service('b', { clusterIP: '10.96.0.1' }),
      'spec.clusterIPs',
      /failed to allocate IP 10\.96\.0\.1: provided IP is already allocated/,
    ],
    [
      'an address outside the range',
      service('b', { clusterIP: '192.168.0.1' }),
      'spec.clusterIPs',
      /not in the valid range. The range of valid IPs is 10\.96\.0\.0\/16/,
    ],
    [
      'a node port that is taken',
      service('b', { ports: [{ port: 80, nodePort: 30007 }] }, 'NodePort'),
      'spec.ports[0].nodePort',
      /provided port is already allocated/,
    ],
    [
      'a node port outside the range',
      service('b', { ports: [{ port: 80, nodePort: 80 }] }, 'NodePort'),
      'spec.ports[0].nodePort',
      /The range of valid ports is 30000-32767/,
    ],
  ];
  it.each(refusals)('refuse %s', async (_name, object, field, message) => {
    await create(service('taken', { ports: [{ port: 80, nodePort: 30007 }] }, 'NodePort'));
    await expect(create(object)).rejects.toMatchObject({
      status: { code: 422, details: { causes: [{ field, message: expect.stringMatching(message) }] } },
    });
  });

  it('have one node port for both protocols of a port', async () => {
    const ports = [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP' },
    ];
    const { spec } = await create(service('dns', { ports }, 'NodePort'));
    expect(spec?.ports?.[0]?.nodePort).toBeGreaterThanOrEqual(30_000);
    expect(spec?.ports?.[1]?.nodePort).toBe(spec?.ports?.[0]?.nodePort);
  });

  it('give up addresses and ports as their type changes, and get them again', async () => {
    const first = await create(service('a', {}, 'NodePort'));
    const external = await patch('a', {
      spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: null, clusterIPs: null },
    });
    expect(external.spec?.clusterIP).toBeUndefined();
    expect(external.spec?.ports?.[0]?.nodePort).toBeUndefined();
    expect(await reserved()).toEqual(['10.96.0.1']);
    const back = await patch('a', { spec: { type: 'ClusterIP', externalName: null } });
    expect(back.spec?.clusterIP).toMatch(/^10\.96\./);
    expect(first.spec?.ports?.[0]?.nodePort).toBeDefined();
  });

  it('have no address when they are headless', async () => {
    const { spec } = await create(service('h', { clusterIP: 'None' }));
    expect(spec?.clusterIPs).toEqual(['None']);
    expect(await reserved()).toEqual(['10.96.0.1']);
  });

  it('reserve nothing on a dry run', async () => {
    const { spec } = await create(service('dry', {}, 'NodePort'), { dryRun: true });
    expect(spec?.clusterIP).toMatch(/^10\.96\./);
    expect(await reserved()).toEqual(['10.96.0.1']);
  });

  it('keep an address of another range, as a restored cluster has; the apiserver gets one of its own', async () => {
    const { spec } = await create(service('a'));
    const moved = await startTestServer({ beside: server, serviceClusterIpRange: '10.97.0.0/16' });
    await server.settle();
    const get = (name: string) => moved.object<Service>({ verb: 'get', ...at, name });
    expect((await get('kubernetes')).spec?.clusterIP).toBe('10.97.0.1');
    expect((await get('a')).spec?.clusterIP).toBe(spec?.clusterIP);
    const labelled = await moved.object<Service>({
      verb: 'patch',
      ...at,
      name: 'a',
      mediaType: 'application/merge-patch+json',
      object: { metadata: { labels: { x: 'y' } } },
    });
    expect(labelled.metadata?.labels).toEqual({ x: 'y' });
    await moved.handle({ verb: 'delete', ...at, name: 'a' });
    expect(await reserved()).not.toContain(spec?.clusterIP);
  });

  it('never get one address twice, though two servers give them out', async () => {
    const other = await startTestServer({ beside: server });
    const both = [server, other];
    const results = await server.run(
      Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          both[n % 2]!.core.handler.handle(
            both[n % 2]!.request({
              verb: 'create',
              ...at,
              requestId: `service-${n}`,
              object: service(`s${n}`, { clusterIP: n < 2 ? '10.96.0.50' : undefined }),
            }),
          ).then(
            (result) => (result.type === 'object' ? (result.object.object() as Service).spec?.clusterIP : undefined),
            (error: { status: { code: number } }) => error.status.code,
          ),
        ),
      ),
    );
    expect(results.filter((result) => result === 422)).toHaveLength(1);
    const addresses = results.filter((result) => typeof result === 'string');
    expect(addresses).toHaveLength(39);
    expect(new Set(addresses).size).toBe(39);
  });
});
