/** Pods described by the files of a folder: YAML or JSON, a pod each. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@periplus/api/kinds';
import type { Logger } from '@periplus/base/telemetry';
import type { StaticPodSource } from '@periplus/node/pod-lifecycle';
import { parse } from 'yaml';

const FILE_BYTES_MAX = 1024 * 1024;

function isPod(value: unknown): value is Pod {
  const pod = value as Pod | null;
  if (typeof pod !== 'object' || pod === null || pod.kind !== 'Pod' || pod.apiVersion !== 'v1') return false;
  return typeof pod.metadata?.name === 'string' && Array.isArray(pod.spec?.containers);
}

/** Files that hold no pod are passed over, with a line in the log when they change. */
export function createStaticPodFolder(folder: string, logger: Logger): StaticPodSource {
  const told = new Map<string, number>();

  async function readPod(name: string): Promise<Pod[]> {
    const path = join(folder, name);
    const { size, mtimeMs } = await stat(path);
    try {
      if (size > FILE_BYTES_MAX) throw new TypeError(`the file has ${size} bytes`);
      const parsed: unknown = parse(await readFile(path, 'utf8'), { version: '1.1', maxAliasCount: 100 });
      if (isPod(parsed)) return [parsed];
      throw new TypeError('the file does not hold a v1 Pod with a name and containers');
    } catch (error) {
      if (told.get(name) !== mtimeMs) logger.warn('a static pod cannot be read', { path, error });
      told.set(name, mtimeMs);
      return [];
    }
  }

  return {
    async read() {
      const names = (await readdir(folder)).filter((name) => /^[^.].*\.(ya?ml|json)$/.test(name)).sort();
      return (await Promise.all(names.map(readPod))).flat();
    },
  };
}
