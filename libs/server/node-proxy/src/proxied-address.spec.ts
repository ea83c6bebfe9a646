import type { EndpointSlice, Pod, Service } from '@periplus/api/kinds';
import { podAddress, requireProxyable, serviceAddress } from './proxied-address.js';

describe('an address from a status', () => {
  it.each([['10.0.0.9'], ['192.168.1.1'], ['fd00::1'], ['2001:db8::1']])('%s may be proxied to', (host) => {
    expect(requireProxyable(host)).toBe(host);
  });

  it.each([
    ['127.0.0.1'],
    ['127.8.0.1'],
    ['0.0.0.0'],
    ['169.254.169.254'],
    ['224.0.0.1'],
    ['255.255.255.255'],
    ['::1'],
    ['::'],
    ['::ffff:127.0.0.1'],
    ['::ffff:169.254.169.254'],
    ['fe80::1'],
    ['ff02::1'],
    ['localhost'],
    ['2130706433'],
    ['0x7f.1'],
    [''],
  ])('%s may not', (host) => {
    expect(() => requireProxyable(host)).toThrow(expect.objectContaining({ reason: 'BadRequest' }));
  });

  it("is looked at in a pod's status and in a service's endpoints", () => {
    const pod: Pod = { metadata: { name: 'p' }, status: { podIP: '127.0.0.1' } };
    expect(() => podAddress(pod, '80')).toThrow('address not allowed');
    const service: Service = { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } };
    const slice: EndpointSlice = {
      metadata: { labels: { 'kubernetes.io/service-name': 's' } },
      addressType: 'IPv4',
      ports: [{ port: 8080 }],
      endpoints: [{ addresses: ['169.254.169.254'] }],
    };
    expect(() => serviceAddress(service, [slice], '')).toThrow('address not allowed');
  });
});
