/** A Postgres server of our own: its data folder, its settings, how it is run. It listens on a Unix socket alone. */
import { chownSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HealthProbe, runCommand } from '@periplus/ops/processes';
import { removeFolder, removeStaleTemporaries, replaceFile, temporaryPath } from '../files.js';
import type { PostgresPrograms } from './postgres-programs.js';
import type { SystemUser } from './system-user.js';

const postgresUser = 'periplus';
const postgresDatabase = 'periplus';

export interface PostgresSettings {
  readonly programs: PostgresPrograms;
  readonly user: SystemUser;
  /** Made when missing. Its parents must let the user pass. */
  readonly dataFolder: string;
  readonly socketFolder: string;
  /** Only names the socket. */
  readonly port: number;
}

/** Small, and without a flush for each commit: the log has every change, and this is made from it. */
function formatConfig({ socketFolder, port }: PostgresSettings): string {
  const settings: Readonly<Record<string, string | number>> = {
    listen_addresses: `''`,
    unix_socket_directories: `'${socketFolder.replaceAll("'", "''")}'`,
    unix_socket_permissions: '0700',
    port,
    max_connections: 60,
    shared_buffers: `'32MB'`,
    max_wal_size: `'256MB'`,
    min_wal_size: `'32MB'`,
    wal_level: 'minimal',
    max_wal_senders: 0,
    synchronous_commit: 'off',
    jit: 'off',
    autovacuum_max_workers: 1,
    log_timezone: `'UTC'`,
    timezone: `'UTC'`,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

function ownFolder(path: string, user: SystemUser): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chownSync(path, user.uid, user.gid);
}

/** A new data folder at `data`, with its database. */
async function initialize({ programs, user }: PostgresSettings, data: string): Promise<void> {
  ownFolder(data, user);
  const options = ['--pgdata', data, '--username', postgresUser, '--encoding', 'UTF8', '--locale', 'C'];
  const identity = { uid: user.uid, gid: user.gid, cwd: '/', env: postgresEnvironment() };
  await runCommand(
    join(programs.folder, 'bin', 'initdb'),
    [...options, '--auth-local', 'trust', '--auth-host', 'reject', '--no-sync', '--no-instructions'],
    identity,
  );
  await runCommand(join(programs.folder, 'bin', 'postgres'), ['--single', '-D', data, 'postgres'], {
    ...identity,
    input: `CREATE DATABASE ${postgresDatabase}\n`,
  });
}

/**
 * Initializes the data folder unless it is whole already, and writes the settings. Gives whether it was initialized.
 *
 * It is made under another name: an initdb that was orphaned a moment ago writes to a folder of its own.
 */
export async function preparePostgres(settings: PostgresSettings): Promise<boolean> {
  const { user, dataFolder, socketFolder } = settings;
  ownFolder(socketFolder, user);
  const data = join(dataFolder, 'data');
  const marker = join(dataFolder, 'initialized');
  const fresh = !existsSync(marker);
  if (fresh) {
    mkdirSync(dataFolder, { recursive: true, mode: 0o711 });
    removeStaleTemporaries(dataFolder);
    const temporary = temporaryPath(data);
    await initialize(settings, temporary);
    removeFolder(data);
    renameSync(temporary, data);
  }
  const config = join(data, 'postgresql.auto.conf');
  replaceFile(config, formatConfig(settings), 0o600);
  chownSync(config, user.uid, user.gid);
  if (fresh) replaceFile(marker, '');
  return fresh;
}

export function postgresEnvironment(): Record<string, string> {
  return { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

/** The command that runs the server in the foreground. */
export function postgresCommand({ programs, dataFolder }: PostgresSettings): {
  readonly command: string;
  readonly args: readonly string[];
} {
  return { command: join(programs.folder, 'bin', 'postgres'), args: ['-D', join(dataFolder, 'data')] };
}

/** In libpq's form, with the socket's folder as host. */
export function postgresUrl(socketFolder: string, port: number): string {
  const query = new URLSearchParams({ host: socketFolder, port: String(port), user: postgresUser });
  return `postgres:///${postgresDatabase}?${query}`;
}

function postgresSocket(socketFolder: string, port: number): string {
  return join(socketFolder, `.s.PGSQL.${port}`);
}

/** Opens a session as a client does: while it starts or recovers the server answers with an error ('E'), then with 'R'. */
export function postgresProbe(socketFolder: string, port: number): HealthProbe {
  const parameters = Buffer.from(`user\0${postgresUser}\0database\0postgres\0\0`);
  const message = Buffer.alloc(8 + parameters.length);
  message.writeInt32BE(message.length, 0);
  message.writeInt32BE(3 << 16, 4);
  parameters.copy(message, 8);
  return {
    kind: 'exchange',
    target: { socketPath: postgresSocket(socketFolder, port) },
    sendBase64: message.toString('base64'),
    answerPrefix: 'R',
  };
}
