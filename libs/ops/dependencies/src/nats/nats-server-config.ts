/** The log's server: its configuration file and how it is run. */
import { join } from 'node:path';
import type { HealthProbe } from '@periplus/ops/processes';

export interface NatsServerSettings {
  readonly serverName: string;
  readonly host: string;
  readonly port: number;
  readonly storeFolder: string;
  /** What all streams together may hold. Default: what the disk takes. */
  readonly storeBytesMax?: number;
  /** Without it the server takes anybody in plain text: for tests on loopback only. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile: string };
  /** One of several servers that hold the log together. */
  readonly cluster?: {
    readonly name: string;
    /** Where the other servers reach this one. */
    readonly port: number;
    /** `host:port` of each server's cluster port, its own among them. */
    readonly peers: readonly string[];
  };
}

/** Objects may have 1.5 MB, and their envelope holds them in full beside its own fields. */
const payloadBytesMax = 8 << 20;

/**
 * More than any disk has. By itself nats-server takes three quarters of what is free when it starts, beside what it has stored
 * already: a log that had grown to half of its disk would take no more after a restart. The disk is watched by who writes.
 */
const storeBytesMax = 2 ** 50;

/** A server that the others do not hear for some 3 s gets new connections, tried every second. */
const routePingSeconds = 1;
const routePingsUnansweredMax = 2;

const quote = (text: string): string => JSON.stringify(text);

/** Every acknowledged write is on disk (`sync_interval: always`), only clients of the log's own authority may connect. */
export function formatNatsServerConfig(settings: NatsServerSettings): string {
  const lines = [
    `server_name: ${quote(settings.serverName)}`,
    `host: ${quote(settings.host)}`,
    `port: ${settings.port}`,
    `max_payload: ${payloadBytesMax}`,
    'jetstream {',
    `  store_dir: ${quote(settings.storeFolder)}`,
    '  sync_interval: always',
    `  max_file_store: ${settings.storeBytesMax ?? storeBytesMax}`,
    '}',
  ];
  if (settings.tls !== undefined) {
    lines.push(
      'tls {',
      `  cert_file: ${quote(settings.tls.certFile)}`,
      `  key_file: ${quote(settings.tls.keyFile)}`,
      `  ca_file: ${quote(settings.tls.clientCaFile)}`,
      '  verify: true',
      '  timeout: 5',
      '}',
    );
  }
  if (settings.cluster !== undefined) {
    const { name, port, peers } = settings.cluster;
    lines.push(
      'cluster {',
      `  name: ${quote(name)}`,
      `  listen: ${quote(`${settings.host}:${port}`)}`,
      `  routes: [${peers.map((peer) => quote(`nats://${peer}`)).join(', ')}]`,
      // Clients are told of servers by their own configuration: what a route says may not be reachable from where they are.
      '  no_advertise: true',
      // A route through a network that was cut goes on only when TCP tries again, which may be as long after as the cut was.
      `  ping_interval: "${routePingSeconds}s"`,
      `  ping_max: ${routePingsUnansweredMax}`,
      '}',
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The settings for a cluster whose certificates are in `pki`. */
export function clusterNatsSettings(name: string, port: number, storeFolder: string, pki: string): NatsServerSettings {
  return {
    serverName: `periplus-${name}`,
    host: '127.0.0.1',
    port,
    storeFolder,
    tls: { certFile: join(pki, 'nats.crt'), keyFile: join(pki, 'nats.key'), clientCaFile: join(pki, 'nats-ca.crt') },
  };
}

/** The server listens only once its streams are recovered. */
export function natsServerProbe(port: number): HealthProbe {
  return { kind: 'listening', port };
}
