import type { EndpointSlice, Pod, Service } from '@periplus/api/kinds';
import { kubeletPathOf } from './kubelet-path.js';
import { podAddress, serviceAddress } from './proxied-address.js';

const podOf = (...names: string[]): Pod => ({
  metadata: { namespace: 'ns', name: 'p' },
  spec: { containers: names.map((name) => ({ name, image: 'x', ports: [{ name: 'web', containerPort: 8080 }] })) },
  status: { podIP: '10.0.0.9' },
});

describe("the kubelet's path of a pod's stream", () => {
  it.each([
    ['log', 'follow=true&tailLines=5&other=x', '/containerLogs/ns/p/a?follow=true&tailLines=5'],
    [
      'exec',
      'stdin=true&stdout=true&tty=false&command=sh&command=-c',
      '/exec/ns/p/a?input=1&output=1&command=sh&command=-c',
    ],
    ['portforward', 'ports=80', '/portForward/ns/p?port=80'],
  ] as const)('of %s', (stream, query, expected) => {
    expect(kubeletPathOf(stream, podOf('a'), new URLSearchParams(query))).toBe(expected);
  });

  it('asks for a name where there are several containers, and knows the annotated one', () => {
    const pod = podOf('a', 'b');
    expect(() => kubeletPathOf('log', pod, new URLSearchParams())).toThrow('choose one of: [a b]');
    expect(() => kubeletPathOf('log', pod, new URLSearchParams('container=c'))).toThrow(
      'container c is not valid for pod p',
    );
    pod.metadata!.annotations = { 'kubectl.kubernetes.io/default-container': 'b' };
    expect(kubeletPathOf('log', pod, new URLSearchParams())).toBe('/containerLogs/ns/p/b');
  });
});

describe('the address of what is proxied', () => {
  it.each([
    ['', 8080],
    ['web', 8080],
    ['99', 99],
  ])('a pod with port %j', (port, expected) => {
    expect(podAddress(podOf('a'), port)).toEqual({ host: '10.0.0.9', port: expected });
  });

  it('a ready endpoint behind the service port', () => {
    const service: Service = { metadata: { name: 's' }, spec: { ports: [{ name: 'http', port: 80 }] } };
    const slice = (ready: boolean, address: string): EndpointSlice => ({
      metadata: { labels: { 'kubernetes.io/service-name': 's' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080 }],
      endpoints: [{ addresses: [address], conditions: { ready } }],
    });
    expect(serviceAddress(service, [slice(false, '10.0.0.1'), slice(true, '10.0.0.2')], 'http')).toEqual({
      host: '10.0.0.2',
      port: 8080,
    });
    expect(() => serviceAddress(service, [slice(false, '10.0.0.1')], '')).toThrow('no endpoints available');
  });
});
