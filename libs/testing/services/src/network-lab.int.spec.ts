import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNetworkLab, type NetworkLab } from './network-lab.js';

/** Nobody listens on the port: a machine that is reached says so, from one that is not comes nothing. */
const knock = (address: string): [string, string[]] => [
  'timeout',
  ['0.3', 'bash', '-c', 'exec 3<>"/dev/tcp/$0/1"', address],
];
const refused = 1;

/** What nobody has waited for yet is dead all the same. */
const isAlive = (pid: string): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

const namespaces = (): string => execFileSync('ip', ['netns', 'list']).toString();

async function until(condition: () => boolean, what: string): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    if (performance.now() - started > 10_000) throw new Error(`${what}: not within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a lab of machines', () => {
  let lab: NetworkLab;

  beforeAll(async () => {
    lab = await createNetworkLab(3);
  });
  afterAll(() => lab.remove());

  /** Which machines each machine reaches, as `012/012/012`. */
  function reach(): string {
    return lab.machines
      .map(({ inside }) =>
        lab.machines
          .flatMap(({ address }, index) => {
            const [command, args] = inside(...knock(address));
            return spawnSync(command, args).status === refused ? [index] : [];
          })
          .join(''),
      )
      .join('/');
  }

  it('is cut into the groups that are named, and healed', async () => {
    expect(reach()).toBe('012/012/012');
    await lab.partition([0], [1, 2]);
    expect(reach()).toBe('0/12/12');
    await lab.partition([0, 1]);
    expect(reach()).toBe('01/01/2');
    for (const { address } of lab.machines) expect(spawnSync(...knock(address)).status).toBe(refused);
    await lab.heal();
    expect(reach()).toBe('012/012/012');
  });

  it('is gone with its processes when the process that made it was killed', async () => {
    const script = `
      import { spawn } from 'node:child_process';
      import { createNetworkLab } from ${JSON.stringify(join(import.meta.dirname, 'network-lab.ts'))};
      const { machines: [machine], folder } = await createNetworkLab(1);
      const [command, args] = machine.inside('sleep', ['600']);
      const sleeper = spawn(command, args, { detached: true, stdio: 'ignore' });
      console.log(machine.name, sleeper.pid, folder);
      setInterval(() => undefined, 1_000);`;
    const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    let said = '';
    owner.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until(() => said.endsWith('\n'), 'the other lab');
    const [name, pid, folder] = said.trim().split(' ') as [string, string, string];
    expect(namespaces()).toContain(name);
    owner.kill('SIGKILL');
    await until(() => !existsSync(folder), 'its end');
    expect(namespaces()).not.toContain(name);
    expect(isAlive(pid)).toBe(false);
  });
});
