/** Whether tests can use containers: a Docker engine answers and has the images, which are never pulled here. */
import { spawnSync } from 'node:child_process';

/** Atomic batches came with 2.12. */
export const natsImage = 'nats:2.12-alpine';
export const postgresImage = 'postgres:17-alpine';

/** `PERIPLUS_TEST_SERVICES=local` keeps tests from containers, whatever the machine has. */
export function hasDockerImage(image: string): boolean {
  if (process.env.PERIPLUS_TEST_SERVICES === 'local') return false;
  const { status } = spawnSync('docker', ['image', 'inspect', image], { stdio: 'ignore', timeout: 5_000 });
  return status === 0;
}
