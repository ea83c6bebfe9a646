/** All that a cluster may leave on its machine, for tests that it leaves nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

function commandLines(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    const path = `/proc/${pid}/cmdline`;
    return /^\d+$/.test(pid) && existsSync(path) ? readFileSync(path, 'utf8').replaceAll('\0', ' ') : [];
  });
}

function controlGroups(folder = '/sys/fs/cgroup', depth = 2): string[] {
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return below.flatMap(({ name: child }) => [
    join(folder, child),
    ...(depth > 0 ? controlGroups(join(folder, child), depth - 1) : []),
  ]);
}

const list = (path: string) => (existsSync(path) ? readdirSync(path).map((entry) => join(path, entry)) : []);

/** Whatever carries the cluster's name or, when it is given, its range, such as `10.129.0.`. */
export function tracesOf(name: string, range?: string): readonly string[] {
  const said = (command: string, ...args: string[]) =>
    spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 }).stdout.split('\n');
  const mine = new RegExp(`/${name}/|-${name}\\b|pp-${name}-|--name ${name}\\b|/\\.${name}\\.`);
  const cni = [...list('/var/lib/cni/results'), ...list('/var/lib/cni/networks')];
  const lines = [
    ...commandLines().filter((line) => !line.includes('jest')),
    ...readFileSync('/proc/self/mountinfo', 'utf8').split('\n'),
    ...list('/run/netns'),
    ...cni,
    ...cni.filter((path) => path.endsWith('-lo')).map((path) => readFileSync(path, 'utf8')),
    ...controlGroups(),
    ...said('ip', 'route', 'show', 'table', 'all'),
    ...said('ip', 'address', 'show'),
    ...said('nft', 'list', 'ruleset'),
    ...said('iptables-save'),
    ...list('/var/lib/periplus').map((path) => `${path}/`),
  ];
  return lines.filter((line) => mine.test(line) || (range !== undefined && line.includes(` ${range}`)));
}
