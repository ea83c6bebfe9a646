/** The server before a real containerd: who gets in, logs, exec and attach by WebSocket, SPDY, port-forward. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { get, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createSpdySession, type SpdySession } from '@periplus/base/spdy';
import { silentLogger } from '@periplus/base/telemetry';
import { type Cri, createCri } from '@periplus/node/cri';
import { containerdProblem, startTestContainerd, TEST_IMAGE, type TestContainerd } from '@periplus/node/cri/testing';
import type { ContainerConfig, SandboxConfig } from '@periplus/node/pod-lifecycle';
import { Registry } from 'prom-client';
import { WebSocket } from 'ws';
import { type KubeletServer, startKubeletServer } from './kubelet-server.js';
import type { ServedPod } from './server-ports.js';
import { createTestCertificates, type TestCertificates } from './test-certificates.js';

const problem = containerdProblem();
const suite = problem === undefined ? describe : describe.skip;
const identity = { uid: 'u-1', namespace: 'ns', name: 'p' };
const script =
  'i=0; while [ $i -lt 5 ]; do echo line $i; echo err $i >&2; i=$((i+1)); done; while true; do sleep 0.2; echo tick; done';

suite(`the kubelet's server${problem === undefined ? '' : ` (skipped: ${problem})`}`, () => {
  let containerd: TestContainerd;
  let cri: Cri;
  let server: KubeletServer;
  let logs: string;
  let certificates: TestCertificates;
  let web: Server;
  let served: ServedPod;

  async function startContainer(
    name: string,
    sandboxId: string,
    sandbox: SandboxConfig,
    tty: boolean,
  ): Promise<string> {
    const config: ContainerConfig = {
      name,
      restartCount: 0,
      specHash: '',
      imageRef: TEST_IMAGE,
      image: TEST_IMAGE,
      command: tty ? ['sh'] : ['sh', '-c', script],
      args: [],
      workingDir: '',
      env: [],
      mounts: [],
      logPath: `${name}.log`,
      terminationMessageFile: '',
      gracePeriodSeconds: 0,
      stdin: tty,
      stdinOnce: false,
      tty,
      resources: { cpuShares: 2, cpuQuota: 0, cpuPeriod: 100_000, memoryLimitBytes: 0, oomScoreAdj: 1000 },
      security: {
        privileged: false,
        addCapabilities: [],
        dropCapabilities: [],
        supplementalGroups: [],
        readOnlyRootFilesystem: false,
        noNewPrivileges: false,
        maskProc: true,
      },
    };
    const id = await cri.runtime.createContainer(sandboxId, config, sandbox);
    await cri.runtime.startContainer(id);
    return id;
  }

  beforeAll(async () => {
    containerd = await startTestContainerd();
    cri = createCri({ socketPath: containerd.socketPath });
    logs = mkdtempSync(join(tmpdir(), 'kubelet-logs-'));
    const sandbox: SandboxConfig = {
      pod: identity,
      attempt: 0,
      hostname: '',
      logDirectory: logs,
      dns: { servers: [], searches: [], options: [] },
      portMappings: [],
      labels: {},
      annotations: {},
      cgroupParent: '',
      hostNetwork: true,
      hostPid: false,
      hostIpc: false,
      sharedPid: false,
      sysctls: {},
      supplementalGroups: [],
      privileged: false,
      runtimeHandler: '',
    };
    const sandboxId = await cri.runtime.runSandbox(sandbox);
    const main = await startContainer('main', sandboxId, sandbox, false);
    const shell = await startContainer('shell', sandboxId, sandbox, true);
    const status = (name: string, id: string) => ({
      name,
      containerID: `containerd://${id}`,
      state: { running: {} },
      ready: true,
      restartCount: 0,
      image: '',
      imageID: '',
    });
    served = {
      pod: {
        metadata: identity,
        spec: { containers: [{ name: 'main' }, { name: 'shell', tty: true, stdin: true }, { name: 'late' }] },
      },
      status: {
        containerStatuses: [
          status('main', main),
          status('shell', shell),
          { ...status('late', ''), state: { waiting: { reason: 'ContainerCreating' } } },
        ],
      },
    };
    certificates = await createTestCertificates('127.0.0.1', ['apiserver', 'stranger']);
    server = await startKubeletServer({
      host: '127.0.0.1',
      port: 0,
      cert: certificates.server.cert,
      key: certificates.server.key,
      clientCa: certificates.ca,
      clientName: 'apiserver',
      nodeName: 'node',
      pods: {
        pods: () => [served],
        findPod: (namespace, name) => (namespace === 'ns' && name === 'p' ? served : undefined),
      },
      runtime: cri.runtime,
      streams: cri.streams,
      registry: new Registry(),
      logger: silentLogger,
      checkHealth: () => Promise.resolve(),
    });
    web = createServer((_request, response) => response.end('page'));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  }, 60_000);
  afterAll(async () => {
    await server.close();
    web.close();
    for (const { id } of await cri.runtime.listSandboxes()) {
      await cri.runtime.stopSandbox(id);
      await cri.runtime.removeSandbox(id);
    }
    cri.close();
    await containerd.stop();
    rmSync(logs, { recursive: true, force: true });
  }, 60_000);

  const tlsOf = (name = 'apiserver') => ({ ca: certificates.ca, ...certificates.clients[name] });
  const target = () => ({ host: '127.0.0.1', port: server.port, agent: false, ...tlsOf() });

  function read(path: string, tls: object = tlsOf()): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const pending = get({ ...target(), cert: undefined, key: undefined, ...tls, path }, (answer) => {
        let body = '';
        answer.on('data', (chunk) => (body += String(chunk)));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      });
      pending.on('error', reject);
    });
  }

  interface Conversation {
    readonly code: number;
    readonly protocol: string;
    readonly said: Readonly<Record<number, string>>;
  }

  function talk(
    path: string,
    protocols: readonly string[],
    begin: (socket: WebSocket) => void = () => undefined,
  ): Promise<Conversation | { readonly refused: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, [...protocols], tlsOf());
      const said: Record<number, string> = {};
      socket.on('open', () => begin(socket));
      socket.on('message', (data: Buffer) => {
        const channel = data[0] ?? 0;
        said[channel] = (said[channel] ?? '') + data.subarray(1).toString();
      });
      socket.on('unexpected-response', (_request, answer) => {
        let text = '';
        answer.on('data', (chunk) => (text += String(chunk)));
        answer.on('end', () => resolve({ refused: answer.statusCode ?? 0, text: text.trim() }));
      });
      socket.on('error', reject);
      socket.on('close', (code) => resolve({ code, protocol: socket.protocol, said }));
    });
  }

  const exec = (query: string): string => `/exec/ns/p/main?${query}`;
  const run = (command: string): string => `command=sh&command=-c&command=${encodeURIComponent(command)}`;
  const message = (channel: number, text: string): Buffer => Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);

  // The last lines are known once the container has come to its endless part.
  beforeAll(async () => {
    const deadline = Date.now() + 20_000;
    while (!/(tick\n){2}$/.test((await read('/containerLogs/ns/p/main')).body)) {
      if (Date.now() > deadline) throw new Error('the container does not tick');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }, 30_000);

  it('lets nobody in without the apiserver’s certificate', async () => {
    expect(await read('/healthz')).toEqual({ status: 200, body: 'ok' });
    expect((await read('/healthz', tlsOf('stranger'))).status).toBe(403);
    await expect(read('/healthz', { ca: certificates.ca })).rejects.toThrow();
    const refused = new Promise<number>((resolve, reject) => {
      const socket = new WebSocket(`wss://127.0.0.1:${server.port}${exec('output=1&command=true')}`, tlsOf('stranger'));
      socket.on('unexpected-response', (_request, answer) => resolve(answer.statusCode ?? 0));
      socket.on('open', () => reject(new Error('a stranger was let in')));
      socket.on('error', reject);
    });
    expect(await refused).toBe(403);
  });

  it.each([
    ['the last lines', 'tailLines=2', /^(tick\n){2}$/],
    ['one stream', 'limitBytes=12&stream=Stderr', /^err 0\nerr 1\n$/],
    ['no line', 'tailLines=0', /^$/],
    ['the first bytes', 'limitBytes=6&stream=Stdout', /^line 0$/],
    ['times', 'limitBytes=100&timestamps=true', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z (line|err) 0\n/],
    ['nothing from before', `sinceTime=${encodeURIComponent('2100-01-01T00:00:00Z')}`, /^$/],
  ])('reads of the log %s', async (_name, query, text) => {
    const { status, body } = await read(`/containerLogs/ns/p/main?${query}`);
    expect(status).toBe(200);
    expect(body).toMatch(text);
  });

  it.each([
    ['an unknown pod', '/containerLogs/ns/none/main', 404, /pod none_ns not found/],
    ['an unknown container', '/containerLogs/ns/p/none', 404, /container none is not valid for pod p/],
    ['a container that has not started', '/containerLogs/ns/p/late', 400, /is waiting to start: ContainerCreating/],
    [
      'an earlier instance that never was',
      '/containerLogs/ns/p/main?previous=true',
      400,
      /previous terminated container/,
    ],
    ['a number that is none', '/containerLogs/ns/p/main?tailLines=x', 400, /tailLines/],
    ['a path that leads elsewhere', '/containerLogs/ns/..%2F..%2Fetc/passwd', 404, /not found/],
    ['anything else', '/etc/passwd', 404, /not found/],
  ])('refuses %s', async (_name, path, status, text) => {
    const answer = await read(path);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatch(text);
  });

  it('follows a log until the reader leaves', async () => {
    const lines = await new Promise<number>((resolve, reject) => {
      let seen = 0;
      const pending = get({ ...target(), path: '/containerLogs/ns/p/main?follow=true&tailLines=0' }, (answer) => {
        answer.on('data', (chunk) => {
          seen += String(chunk).split('tick\n').length - 1;
          if (seen < 3) return;
          pending.destroy();
          resolve(seen);
        });
      });
      pending.on('error', reject);
    });
    expect(lines).toBeGreaterThanOrEqual(3);
  });

  it.each(['v5.channel.k8s.io', 'v4.channel.k8s.io'])(
    'runs a command by %s and tells its exit code',
    async (protocol) => {
      const answer = await talk(exec(`output=1&error=1&${run('echo out; echo err >&2; exit 7')}`), [protocol]);
      expect(answer).toMatchObject({ code: 1000, protocol, said: { 1: 'out\n', 2: 'err\n' } });
      const status: unknown = JSON.parse((answer as Conversation).said[3] ?? '');
      expect(status).toMatchObject({ status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '7' }] } });
    },
  );

  it('says Success of a command that ends well', async () => {
    const answer = (await talk(exec('output=1&command=true'), ['v4.channel.k8s.io'])) as Conversation;
    expect(JSON.parse(answer.said[3] ?? '')).toMatchObject({ status: 'Success' });
  });

  it('speaks the oldest protocol too, which says nothing at a good end', async () => {
    const answer = await talk(exec('output=1&command=echo&command=remote'), ['channel.k8s.io']);
    expect(answer).toEqual({ code: 1000, protocol: 'channel.k8s.io', said: { 1: 'remote\n' } });
  });

  it('passes the end of the input on', async () => {
    const answer = await talk(exec('input=1&output=1&command=cat'), ['v5.channel.k8s.io'], (socket) => {
      socket.send(message(0, 'through'));
      socket.send(Buffer.from([255, 0]));
    });
    expect(answer).toMatchObject({ code: 1000, said: { 1: 'through' } });
  });

  it('gives a terminal its size', async () => {
    const answer = (await talk(exec('input=1&output=1&tty=1&command=sh'), ['v5.channel.k8s.io'], (socket) => {
      socket.send(message(4, '{"Width":77,"Height":33}'));
      setTimeout(() => socket.send(message(0, 'stty size; exit\n')), 300);
    })) as Conversation;
    expect(answer.said[1]).toContain('33 77');
  });

  it('attaches to what a container runs', async () => {
    const answer = (await talk('/attach/ns/p/shell?input=1&output=1&tty=1', ['v5.channel.k8s.io'], (socket) => {
      setTimeout(() => socket.send(message(0, 'echo $((40+2))\n')), 200);
      setTimeout(() => socket.close(1000), 800);
    })) as Conversation;
    expect(answer.said[1]).toContain('42');
  });

  it.each([
    ['an unknown container', '/exec/ns/p/none?output=1&command=true', 404, /not valid for pod/],
    ['a container that does not run', '/exec/ns/p/late?output=1&command=true', 500, /^container not found \("late"\)$/],
    ['no command', exec('output=1'), 400, /command is required/],
    ['no stream', exec('command=true'), 400, /at least 1 of stdin, stdout, stderr/],
  ])('refuses to exec in, or with, %s', async (_name, path, refused, text) => {
    const answer = await talk(path, ['v4.channel.k8s.io']);
    expect(answer).toMatchObject({ refused, text: expect.stringMatching(text) as unknown });
  });

  it.each([
    ['a container that does not run', '/exec/ns/p/late?output=1&command=true', 'container not found ("late")'],
    ['an unknown pod', '/attach/ns/none/main?output=1', 'pod none_ns not found'],
  ])('says by the newest protocol that there is %s', async (_name, path, text) => {
    const answer = (await talk(path, ['v5.channel.k8s.io'])) as Conversation;
    expect(answer).toMatchObject({ code: 1000, protocol: 'v5.channel.k8s.io' });
    expect(JSON.parse(answer.said[3] ?? '')).toMatchObject({
      status: 'Failure',
      reason: 'InternalError',
      message: `Internal error occurred: unable to upgrade connection: ${text}`,
    });
  });

  it('refuses protocols that it does not know', async () => {
    expect(await talk(exec('output=1&command=true'), ['v9.channel.k8s.io'])).toMatchObject({ refused: 403 });
  });

  it('holds the runtime back for a reader that is slow, and loses nothing', async () => {
    const bytes = 64 * 1024 * 1024;
    const received = await new Promise<number>((resolve, reject) => {
      const path = exec(`output=1&command=dd&command=if=/dev/zero&command=bs=1M&command=count=64`);
      const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, ['v5.channel.k8s.io'], tlsOf());
      let total = 0;
      socket.on('open', () => {
        socket.pause();
        setTimeout(() => socket.resume(), 500);
      });
      socket.on('message', (data: Buffer) => {
        if (data[0] === 1) total += data.length - 1;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(total));
    });
    expect(received).toBe(bytes);
  });

  function upgrade(path: string, protocol: string): Promise<{ session: SpdySession; socket: Duplex; chosen: unknown }> {
    return new Promise((resolve, reject) => {
      const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol };
      const pending = request({ ...target(), method: 'POST', path, headers });
      pending.on('upgrade', (answer, socket) => {
        const session = createSpdySession({
          role: 'client',
          write: (bytes) => void socket.write(bytes),
          onError: reject,
        });
        socket.on('data', (bytes: Buffer) => session.receive(bytes));
        resolve({ session, socket, chosen: answer.headers['x-stream-protocol-version'] });
      });
      pending.on('response', (answer) => reject(new Error(`answered ${answer.statusCode}`)));
      pending.on('error', reject);
      pending.end();
    });
  }

  it('passes SPDY on for clients that speak it', async () => {
    const { session, socket, chosen } = await upgrade(exec('output=1&command=echo&command=spdy'), 'v4.channel.k8s.io');
    expect(chosen).toBe('v4.channel.k8s.io');
    const output = await new Promise<string>((resolve) => {
      session.openStream({ streamtype: 'error' }, {});
      session.openStream({ streamtype: 'stdout' }, { onData: (data) => resolve(data.toString()) });
    });
    socket.destroy();
    expect(output).toBe('spdy\n');
  });

  const pagePort = (): number => (web.address() as AddressInfo).port;

  it('forwards to a port of the pod', async () => {
    const { session, socket } = await upgrade('/portForward/ns/p', 'portforward.k8s.io');
    const port = String(pagePort());
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      session.openStream({ streamtype: 'error', port, requestid: '0' }, {}).end();
      const handler = { onData: (data: Buffer) => (text += data.toString()), onEnd: () => resolve(text) };
      const data = session.openStream({ streamtype: 'data', port, requestid: '0' }, handler);
      data.write(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
    });
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK[^]*page$/);
  });

  it.each(['v4.channel.k8s.io', ''])('forwards to several ports by channels of %j', async (protocol) => {
    const path = `/portForward/ns/p?port=${pagePort()},${pagePort()}`;
    const answer = (await talk(path, protocol === '' ? [] : [protocol], (socket) => {
      for (const channel of [0, 2]) socket.send(message(channel, 'GET / HTTP/1.0\r\n\r\n'));
    })) as Conversation;
    expect(answer).toMatchObject({ code: 1000, protocol });
    for (const channel of [0, 2]) expect(answer.said[channel]).toMatch(/HTTP\/1\.1 200 OK[^]*page$/);
    // Each begins with its port's number, and nothing went wrong.
    for (const channel of [1, 3]) expect(answer.said[channel]?.length).toBeLessThanOrEqual(2);
  });

  it('says which port nobody listens at', async () => {
    const answer = (await talk('/portForward/ns/p?port=1', ['v4.channel.k8s.io'])) as Conversation;
    expect(answer.said[1]).toMatch(/^\x01\0error forwarding port 1 /);
  });

  it.each([
    ['no port', '', 400, /query parameter "port" is required/],
    ['a port that is none', 'port=80,http', 400, /unable to parse "http" as a port/],
    ['a port too high', 'port=65536', 400, /unable to parse "65536" as a port/],
    ['too many ports', `port=${Array.from({ length: 101 }, () => 80).join()}`, 400, /more than 100 ports/],
  ])('refuses to forward to %s', async (_name, query, refused, text) => {
    const answer = await talk(`/portForward/ns/p?${query}`, ['v4.channel.k8s.io']);
    expect(answer).toMatchObject({ refused, text: expect.stringMatching(text) as unknown });
  });

  it('tells of what containers use', async () => {
    const { body } = await read('/metrics/resource');
    expect(body).toContain('container_memory_working_set_bytes{container="main",namespace="ns",pod="p"}');
    expect(JSON.parse((await read('/stats/summary')).body)).toMatchObject({ node: { nodeName: 'node' } });
    expect(JSON.parse((await read('/pods')).body)).toMatchObject({ kind: 'PodList', items: [{ metadata: identity }] });
  });
});
