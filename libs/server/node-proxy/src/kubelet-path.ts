/** From a pod's subresource to the kubelet's own path and query. Pure. */
import type { Pod } from '@periplus/api/kinds';
import { chooseContainer } from './pod-container.js';

const logParameters = [
  'follow',
  'previous',
  'tailLines',
  'limitBytes',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'stream',
];
/** The kubelet calls the streams by other names than the API. */
const streamParameters: Readonly<Record<string, string>> = {
  stdin: 'input',
  stdout: 'output',
  stderr: 'error',
  tty: 'tty',
};

export type PodStream = 'log' | 'exec' | 'attach' | 'portforward';

/** Throws 400 where the container is not clear. */
export function kubeletPathOf(stream: PodStream, pod: Pod, query: URLSearchParams): string {
  const names = [pod.metadata?.namespace ?? '', pod.metadata?.name ?? ''].map(encodeURIComponent).join('/');
  const parameters = new URLSearchParams();
  if (stream === 'portforward') {
    for (const port of query.getAll('ports')) parameters.append('port', port);
    return withQuery(`/portForward/${names}`, parameters);
  }
  const container = encodeURIComponent(chooseContainer(pod, query.get('container')));
  if (stream === 'log') {
    for (const name of logParameters) {
      const value = query.get(name);
      if (value !== null) parameters.set(name, value);
    }
    return withQuery(`/containerLogs/${names}/${container}`, parameters);
  }
  for (const [name, kubeletName] of Object.entries(streamParameters)) {
    const value = query.get(name);
    if (value !== null && value !== 'false' && value !== '0') parameters.set(kubeletName, '1');
  }
  for (const argument of query.getAll('command')) parameters.append('command', argument);
  return withQuery(`/${stream}/${names}/${container}`, parameters);
}

function withQuery(path: string, parameters: URLSearchParams): string {
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}
