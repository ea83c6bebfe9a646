/**
 * Machines for a test: network namespaces on a switch of their own, so that a partition is lost packets and nothing less.
 *
 * The switch is a bridge in a namespace too: no rule of the host sees what the machines say to each other. The host itself,
 * where the test runs, reaches every machine and is never cut off. All of it goes when the test says so or when the test's process
 * is gone, however that ended: a guard of a few lines of shell holds the other end of a pipe.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface LabMachine {
  readonly name: string;
  /** Reached by the host and, where nothing is cut, by the other machines. */
  readonly address: string;
  /** The command and arguments that run `command` in this machine's network; the process is the command's own. */
  inside(command: string, args: readonly string[]): readonly [string, readonly string[]];
}

export interface NetworkLab {
  readonly machines: readonly LabMachine[];
  /** For what the machines keep; it goes with them. */
  readonly folder: string;
  /** Lets each group of machines (by index) talk among themselves alone; who is in no group is alone. Replaces what was cut. */
  partition(...groups: readonly (readonly number[])[]): Promise<void>;
  heal(): Promise<void>;
  /** Kills what still runs in the machines and removes them. */
  remove(): Promise<void>;
}

const run = promisify(execFile);

/** Of the block that is set aside for benchmarks, so nobody's real network. */
const addressOf = (lab: number, host: number): string => `198.18.${lab}.${host}`;
const labsMax = 250;
const hostPart = 254;
const cutTable = 'inet lab_cut';

/** Waits for the end of its input, then removes the folder and the namespaces that it was given. */
const guardScript = `
while read -r _; do :; done
folder=$1; shift
for name in "$@"; do ip netns pids "$name" | xargs -r kill -9; done
for name in "$@"; do ip netns del "$name"; done
rm -rf "$folder"
`;

/** A number that no other lab on this machine has: its switch's namespace is made by whoever comes first. */
async function claimLab(): Promise<number> {
  const first = process.pid % labsMax;
  for (let offset = 0; offset < labsMax; offset++) {
    const lab = (first + offset) % labsMax;
    try {
      await run('ip', ['netns', 'add', `pplab${lab}`]);
      return lab;
    } catch (error) {
      if (!String((error as { stderr?: unknown }).stderr).includes('File exists'))
        throw new Error('network namespaces can not be made here: the tests of several machines need root', {
          cause: error,
        });
    }
  }
  throw new Error(`there are ${labsMax} labs on this machine already`);
}

function startGuard(folder: string, names: readonly string[]): ChildProcess {
  const guard = spawn('sh', ['-c', guardScript, 'sh', folder, ...names], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  return guard;
}

export async function createNetworkLab(count: number): Promise<NetworkLab> {
  const lab = await claimLab();
  const switchName = `pplab${lab}`;
  const nameOf = (index: number): string => `${switchName}m${index}`;
  const indexes = Array.from({ length: count }, (_unused, index) => index);
  const folder = mkdtempSync(join(tmpdir(), 'periplus-lab-'));
  const guard = startGuard(folder, [...indexes.map(nameOf), switchName]);

  const inSwitch = (...args: string[]): Promise<unknown> => run('ip', ['-n', switchName, ...args]);
  const inMachine = (index: number, ...args: string[]): Promise<unknown> => run('ip', ['-n', nameOf(index), ...args]);

  async function addMachine(index: number): Promise<LabMachine> {
    const name = nameOf(index);
    const address = addressOf(lab, index + 1);
    await run('ip', ['netns', 'add', name]);
    await inSwitch('link', 'add', `m${index}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await inSwitch('link', 'set', `m${index}`, 'master', 'br0', 'up');
    await inMachine(index, 'address', 'add', `${address}/24`, 'dev', 'eth0');
    await inMachine(index, 'link', 'set', 'eth0', 'up');
    await inMachine(index, 'link', 'set', 'lo', 'up');
    return {
      name,
      address,
      inside: (command, args) => ['nsenter', [`--net=/run/netns/${name}`, command, ...args]],
    };
  }

  async function remove(): Promise<void> {
    if (guard.exitCode !== null) return;
    guard.ref();
    const gone = once(guard, 'exit');
    guard.stdin!.end();
    await gone;
  }

  /** What each machine drops is replaced in one transaction of its own. */
  async function setCut(isCut: (from: number, to: number) => boolean): Promise<void> {
    await Promise.all(
      indexes.map(async (index) => {
        const others = indexes.filter((other) => other !== index && isCut(index, other));
        const addresses = others.map((other) => addressOf(lab, other + 1)).join(', ');
        const rules =
          others.length === 0
            ? ''
            : `chain in { type filter hook input priority 0; ip saddr { ${addresses} } drop; }
               chain out { type filter hook output priority 0; ip daddr { ${addresses} } drop; }`;
        const script = `table ${cutTable}\ndelete table ${cutTable}\ntable ${cutTable} {\n${rules}\n}\n`;
        const nft = run('nsenter', [`--net=/run/netns/${nameOf(index)}`, 'nft', '-f', '-']);
        nft.child.stdin!.end(script);
        await nft;
      }),
    );
  }

  try {
    await inSwitch('link', 'add', 'br0', 'type', 'bridge');
    await inSwitch('link', 'set', 'br0', 'up');
    const uplink = `${switchName}h`;
    await inSwitch('link', 'add', 'host', 'type', 'veth', 'peer', 'name', uplink, 'netns', `${process.pid}`);
    await inSwitch('link', 'set', 'host', 'master', 'br0', 'up');
    await run('ip', ['address', 'add', `${addressOf(lab, hostPart)}/24`, 'dev', uplink]);
    await run('ip', ['link', 'set', uplink, 'up']);
    const machines: LabMachine[] = [];
    for (const index of indexes) machines.push(await addMachine(index));
    return {
      machines,
      folder,
      async partition(...groups) {
        const groupOf = (index: number): readonly number[] => groups.find((group) => group.includes(index)) ?? [index];
        await setCut((from, to) => !groupOf(from).includes(to));
      },
      heal: () => setCut(() => false),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
