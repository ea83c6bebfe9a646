/** The typed client, as the administrator, for what REST does not offer: the past of an object, and its history. */
import { join } from 'node:path';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createSdkClient, type SdkClient } from '@periplus/client/sdk';
import type { KnownCluster } from '../cluster/context.js';

const timeoutMs = 30_000;

/** The caller closes it. */
export function openSdkClient({ plan, paths }: KnownCluster): SdkClient {
  return createSdkClient({
    address: `127.0.0.1:${plan.ports.grpc}`,
    caFile: join(paths.pki, 'ca.crt'),
    certFile: join(paths.pki, 'admin.crt'),
    keyFile: join(paths.pki, 'admin.key'),
    // TLS has no names that are addresses.
    serverName: 'localhost',
    userAgent: 'periplus-cli',
    logger: silentLogger,
    time: systemTime,
    random: systemRandom,
    timeoutMs,
  });
}
