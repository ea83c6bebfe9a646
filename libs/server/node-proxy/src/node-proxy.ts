/** Carries requests on to nodes: logs, exec, attach and port-forward to the pod's kubelet, proxied HTTP to pods, services and kubelets. */
import type { EndpointSlice, Node, Pod, Service } from '@periplus/api/kinds';
import {
  badRequest,
  methodNotAllowed,
  serviceUnavailable,
  type StatusError,
  unknownResource,
} from '@periplus/api/meta';
import type { CachedObjects } from '@periplus/server/authn';
import type { ConnectContext, IncomingRequest, NodeProxy, OutgoingResponse } from '@periplus/server/rest';
import { proxyHttp } from './http-proxy.js';
import { kubeletPathOf, type PodStream } from './kubelet-path.js';
import { podAddress, requireProxyable, serviceAddress } from './proxied-address.js';
import { openRequest, relayUpgrade, responseOf, type UpstreamTarget } from './upstream-request.js';

export interface NodeProxyOptions {
  readonly cached: CachedObjects;
  /** This server's identity towards kubelets, and the authority that theirs is checked against. */
  readonly kubeletTls: { readonly ca: string; readonly cert: string; readonly key: string };
}

const defaultKubeletPort = 10250;
const errorTextBytesMax = 4096;

export function createNodeProxy(options: NodeProxyOptions): NodeProxy {
  function kubeletTarget(nodeName: string, path: string): UpstreamTarget {
    const node = options.cached.get<Node>({ group: '', resource: 'nodes' }, '', nodeName);
    const host = node?.status?.addresses?.find((address) => address.type === 'InternalIP')?.address;
    if (host === undefined) throw serviceUnavailable(`the node ${nodeName} has no address yet`);
    const port = node?.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? defaultKubeletPort;
    return { scheme: 'https', host, port, path, tls: options.kubeletTls };
  }

  function podStreamTarget(context: ConnectContext, stream: PodStream): UpstreamTarget | undefined {
    const pod = context.object as Pod;
    const path = kubeletPathOf(stream, pod, context.query);
    const nodeName = pod.spec?.nodeName ?? '';
    return nodeName === '' ? undefined : kubeletTarget(nodeName, path);
  }

  function proxiedTarget(context: ConnectContext): UpstreamTarget {
    const { target, proxy } = context.resource;
    if (!proxy) throw unknownResource();
    const query = context.query.toString();
    const path = `${proxy.path ?? '/'}${query === '' ? '' : `?${query}`}`;
    if (target.resource === 'nodes') {
      const kubelet = kubeletTarget(target.name, path);
      requireProxyable(kubelet.host);
      return kubelet;
    }
    const address =
      target.resource === 'pods'
        ? podAddress(context.object as Pod, proxy.port)
        : serviceAddress(
            context.object as Service,
            options.cached.list<EndpointSlice>(
              { group: 'discovery.k8s.io', resource: 'endpointslices' },
              target.namespace,
            ),
            proxy.port,
          );
    return { scheme: proxy.scheme, ...address, path };
  }

  async function serveLogs(
    context: ConnectContext,
    request: IncomingRequest,
    response: OutgoingResponse,
  ): Promise<void> {
    if (request.method !== 'GET') throw methodNotAllowed({ group: '', resource: 'pods/log' }, request.method ?? '');
    const target = podStreamTarget(context, 'log');
    if (!target) {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('');
      return;
    }
    const onward = openRequest(target, 'GET', {});
    response.once('close', () => onward.destroy());
    const answer = responseOf(onward, target);
    onward.end();
    const incoming = await answer;
    if (incoming.statusCode !== 200) {
      let text = '';
      for await (const chunk of incoming) {
        text += String(chunk);
        if (text.length > errorTextBytesMax) break;
      }
      throw refusedByKubelet(incoming.statusCode ?? 502, text.trim());
    }
    response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
    if ('flushHeaders' in response) response.flushHeaders();
    incoming.on('data', (chunk: Buffer) => {
      if (!(response as { write(data: Buffer): boolean }).write(chunk)) incoming.pause();
    });
    response.on('drain', () => incoming.resume());
    incoming.once('end', () => response.end());
    incoming.once('error', () => response.destroy());
  }

  return {
    async serve(context, request, response) {
      const { target, proxy } = context.resource;
      if (target.subresource === 'log') {
        await serveLogs(context, request, response);
        return;
      }
      if (target.subresource !== 'proxy') {
        throw badRequest(
          'you must specify at least 1 of stdin, stdout, stderr over an upgraded connection: the Upgrade header is missing',
        );
      }
      const prefix = (request.url ?? '').split('?')[0]!.replace(/(\/proxy)(\/.*)?$/, '$1');
      if (proxy?.path === undefined && (request.method === 'GET' || request.method === 'HEAD')) {
        response.writeHead(301, { location: `${prefix}/` });
        response.end('');
        return;
      }
      await proxyHttp(proxiedTarget(context), prefix, request, response);
    },

    async upgrade(context, request, socket, head) {
      const { subresource } = context.resource.target;
      if (subresource === 'proxy') {
        await relayUpgrade(proxiedTarget(context), request, socket, head);
        return;
      }
      const target = podStreamTarget(context, subresource as PodStream);
      if (!target) throw badRequest(`pod ${context.resource.target.name} does not have a host assigned`);
      await relayUpgrade(target, request, socket, head);
    },
  };
}

function refusedByKubelet(code: number, text: string): StatusError {
  if (code === 400 || code === 404) return badRequest(text);
  return serviceUnavailable(`the kubelet answered ${code}: ${text}`);
}
