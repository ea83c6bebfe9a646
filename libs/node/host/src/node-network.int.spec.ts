import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listMounts } from './mounts.js';
import { runInNetns } from './netns.js';
import { nodeNames } from './node-names.js';
import { createNodeNetwork, destroyNodeNetwork, type NodeNetwork } from './node-network.js';
import { runCommand } from './run-command.js';

const clusterName = `host-spec-${process.pid}`;
const options = {
  clusterName,
  index: 0,
  nodeName: 'node-0',
  hostAddress: '10.231.0.1',
  nodeAddress: '10.231.0.2',
  prefixLength: 30,
  podCidr: '10.232.0.0/24',
  clusterCidr: '10.232.0.0/16',
  serviceCidr: '10.233.0.0/16',
  cniConfDir: '',
};
const second = {
  ...options,
  index: 1,
  nodeName: 'node-1',
  hostAddress: '10.231.0.5',
  nodeAddress: '10.231.0.6',
  podCidr: '10.232.1.0/24',
};

/** Other clusters on this machine come and go meanwhile; what carries their names, or this process's only in passing, is not ours to judge. */
const foreign = /\bpp-|periplus|cni-|docker|\bveth/;

async function lines(...argv: string[]): Promise<readonly string[]> {
  const { stdout } = await runCommand(argv, { acceptedExitCodes: [1] });
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !foreign.test(line));
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** What belongs to no node, and to no other test that runs at the same time. */
async function machineState() {
  return {
    rules: await lines('ip', 'rule', 'show'),
    defaultRoutes: await lines('ip', '-4', 'route', 'show', 'default'),
  };
}

/** Mounts of the nodes' namespaces and folders. */
async function ourMounts(): Promise<readonly string[]> {
  const names = [nodeNames(options), nodeNames(second)].flatMap((node) => Object.values(node));
  const targets = (await listMounts()).map(({ target }) => target);
  return targets.filter((target) => names.some((name) => target.includes(name)) || target.includes(options.cniConfDir));
}

async function ours(): Promise<string> {
  const all = [
    ...(await Promise.all([
      runCommand(['ip', 'link', 'show']),
      runCommand(['ip', 'route', 'show', 'table', 'all']),
      runCommand(['nft', 'list', 'ruleset']),
      runCommand(['iptables-save']),
      runCommand(['ip', 'netns', 'list']),
    ])),
  ];
  const names = [nodeNames(options), nodeNames(second)].flatMap((node) => Object.values(node));
  const text = all.map(({ stdout }) => stdout).join('\n');
  return text
    .split('\n')
    .filter((line) => line.includes('10.231.0.') || names.some((name) => line.includes(name)))
    .join('\n');
}

async function otherNodes(): Promise<number> {
  const { stdout } = await runCommand(['ip', 'netns', 'list']);
  return stdout.split('\n').filter((line) => line.startsWith('pp-') && !line.includes(clusterName)).length;
}

describe("a node's network", () => {
  let network: NodeNetwork;
  let before: Awaited<ReturnType<typeof machineState>>;
  let forwardingBefore = '';
  let netnsFolderBefore = false;
  let aloneBefore = false;

  beforeAll(async () => {
    options.cniConfDir = await mkdtemp(join(tmpdir(), 'host-spec-'));
    second.cniConfDir = join(options.cniConfDir, 'second');
    before = await machineState();
    forwardingBefore = await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8');
    netnsFolderBefore = await isThere('/run/netns');
    aloneBefore = (await otherNodes()) === 0;
    network = await createNodeNetwork(options);
  });

  afterAll(async () => {
    await destroyNodeNetwork(options);
    await destroyNodeNetwork(second);
    await rm(options.cniConfDir, { recursive: true });
  });

  /** A refused connection is an answer from the address too. */
  const probe = `require('net').connect({ host: process.argv[1], port: 1 })
    .on('error', ({ code }) => process.exit(code === 'ECONNREFUSED' ? 0 : 1)).setTimeout(3000, () => process.exit(2))`;
  const ping = (from: 'host' | 'node', address: string) => {
    const argv = [process.execPath, '-e', probe, address];
    return from === 'host' ? runCommand(argv) : runInNetns(network.netnsPath, argv);
  };

  it('lets host and node reach each other', async () => {
    await ping('host', options.nodeAddress);
    await ping('node', options.hostAddress);
  });

  it('routes a pod address from the host into the node, and the answer back', async () => {
    await runInNetns(network.netnsPath, ['ip', 'address', 'add', '10.232.0.9/32', 'dev', 'lo']);
    await ping('host', '10.232.0.9');
    await runInNetns(network.netnsPath, ['ip', 'address', 'delete', '10.232.0.9/32', 'dev', 'lo']);
  });

  it('sends services to the node', async () => {
    const { stdout } = await runCommand(['ip', '-json', 'route', 'get', '10.233.0.1']);
    expect(JSON.parse(stdout)).toMatchObject([{ gateway: options.nodeAddress, dev: network.hostLink }]);
  });

  it('writes a network that the CNI plugins take, which gives a pod an address from the range', async () => {
    const conflist = JSON.parse(await readFile(join(options.cniConfDir, '10-periplus.conflist'), 'utf8'));
    const [bridge] = conflist.plugins;
    const env = {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: 'pod-1',
      CNI_NETNS: `/run/netns/cni-${clusterName}`,
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/usr/lib/cni',
    };
    const stdin = JSON.stringify({ ...bridge, cniVersion: conflist.cniVersion, name: conflist.name });
    await runCommand(['ip', 'netns', 'add', `cni-${clusterName}`]);
    try {
      const added = await runInNetns(network.netnsPath, ['/usr/lib/cni/bridge'], { env, stdin });
      const [{ address }] = JSON.parse(added.stdout).ips;
      expect(address).toMatch(/^10\.232\.0\.\d+\/24$/);
      await ping('host', address.split('/')[0]);
      await ping('node', address.split('/')[0]);
    } finally {
      await runCommand(['ip', 'netns', 'delete', `cni-${clusterName}`]);
    }
  });

  it('masquerades what leaves the machine: a neighbour that knows no way back to the node answers it', async () => {
    const world = `cni-world-${process.pid}`;
    const link = `cniw${process.pid % 100_000}`;
    await runCommand(['ip', 'netns', 'add', world]);
    try {
      await runCommand(['ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'up0', 'netns', world]);
      await runCommand(['ip', '-batch', '-'], {
        stdin: `address add 10.234.0.1/30 dev ${link}\nlink set ${link} up\n`,
      });
      const lines = 'address add 10.234.0.2/30 dev up0\nlink set up0 up\n';
      await runCommand(['ip', '-netns', world, '-batch', '-'], { stdin: lines });
      await ping('node', '10.234.0.2');
    } finally {
      await runCommand(['ip', 'link', 'delete', 'dev', link], { acceptedExitCodes: [1] });
      await runCommand(['ip', 'netns', 'delete', world]);
    }
  });

  it('changes nothing when made again, and mends what was taken away', async () => {
    const state = () => runCommand(['ip', '-4', '-oneline', 'address', 'show']).then(({ stdout }) => stdout);
    const earlier = await state();
    expect(await createNodeNetwork(options)).toEqual(network);
    expect(await state()).toBe(earlier);
    await runCommand(['ip', 'link', 'delete', 'dev', network.hostLink]);
    await createNodeNetwork(options);
    await ping('host', options.nodeAddress);
  });

  it('lets two nodes of a cluster reach each other over the host, and keeps the services when one goes', async () => {
    await createNodeNetwork(second);
    await ping('node', second.nodeAddress);
    await destroyNodeNetwork(second);
    const { stdout } = await runCommand(['ip', 'route', 'show', 'root', options.serviceCidr]);
    expect(stdout).toContain(options.nodeAddress);
    await ping('host', options.nodeAddress);
  });

  it('is destroyed to the last trace, also of pods that nobody took down', async () => {
    const { cniNetwork } = nodeNames(options);
    const pod = 'cni-00000000-0000-0000-0000-00000000abcd';
    await runCommand(['ip', 'netns', 'add', pod]);
    await mkdir('/var/lib/cni/results', { recursive: true });
    const cached = `/var/lib/cni/results/${cniNetwork}-pod-1-eth0`;
    const interfaces = [{ name: 'eth0', sandbox: `/var/run/netns/${pod}` }];
    await writeFile(cached, JSON.stringify({ networkName: cniNetwork, result: { interfaces } }));

    await destroyNodeNetwork(options);
    expect(await ours()).toBe('');
    expect(await ourMounts()).toEqual([]);
    expect(await machineState()).toEqual(before);
    for (const path of [
      `/run/netns/${network.netns}`,
      `/run/netns/${pod}`,
      cached,
      `/var/lib/cni/networks/${cniNetwork}`,
      join(options.cniConfDir, '10-periplus.conflist'),
    ]) {
      expect([path, await isThere(path)]).toEqual([path, false]);
    }
    if (aloneBefore && (await otherNodes()) === 0) {
      const { stdout: links } = await runCommand(['ip', '-details', 'link', 'show']);
      const forwarding = await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8');
      if (!/\b(bridge|veth|tun|wireguard|macvlan|ipvlan|vxlan)\b/.test(links))
        expect(forwarding).toBe(forwardingBefore);
      expect(await isThere('/run/netns')).toBe(netnsFolderBefore);
    }
    await destroyNodeNetwork(options);
  });

  it.each([['../etc'], ['a/b'], [''], ['-x'], ['a..b']])('refuses the node name %j', async (nodeName) => {
    expect(() => nodeNames({ clusterName, nodeName })).toThrow(expect.objectContaining({ code: 'NodeNameInvalid' }));
  });
});
