/** Connections to Postgres: the URL's forms, limits, and what an error means. */
import postgres from 'postgres';
import { openLastingSocket } from './lasting-socket.js';

/** Clients of one database, with the projection's schema as search path. */
export type Sql = postgres.Sql<{ revision: number }>;

export interface PostgresTarget {
  /** `postgres://user@host:port/database`, or libpq's `postgres:///database?host=/socket/folder&port=…&user=…`. */
  readonly url: string;
  /** Connections at most. */
  readonly connections: number;
  /** The projection's schema; absent for work on schemas themselves. */
  readonly schema?: string;
  readonly statementLimitMs?: number;
  /** Instead of the URL's. */
  readonly database?: string;
  /** One of the connections could not be made, or ended: the client is to be replaced. */
  readonly onLost?: () => void;
}

const connectLimitMs = 5_000;
const int8 = 20;

interface Address {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
}

/** What libpq takes from the query because a URL has no place for it is taken out of it. */
function parseUrl(text: string): Address {
  const url = new URL(text);
  const take = (name: string): string | undefined => {
    const value = url.searchParams.get(name) ?? undefined;
    url.searchParams.delete(name);
    return value;
  };
  const [host, port, username] = [take('host'), take('port'), take('user')];
  return {
    host: host ?? (url.hostname || 'localhost'),
    port: Number(port ?? (url.port || 5432)),
    username,
    url: url.href,
  };
}

export function databaseOf(text: string): string {
  return decodeURIComponent(new URL(text).pathname.slice(1));
}

export function connectPostgres(target: PostgresTarget): Sql {
  const { url, host, port, username } = parseUrl(target.url);
  const address = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
  const onLost = target.onLost ?? (() => undefined);
  const options: postgres.Options<{ revision: postgres.PostgresType<number> }> & { socket: () => unknown } = {
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(target.database === undefined ? {} : { database: target.database }),
    max: target.connections,
    // A connection lasts until it is lost: see `openLastingSocket`.
    socket: () => openLastingSocket(address, connectLimitMs, onLost),
    idle_timeout: 0,
    max_lifetime: null,
    backoff: false,
    // Arrays are sent as literals, so nothing has to be asked about types; a failure of that question could not be caught.
    fetch_types: false,
    onnotice: () => undefined,
    connection: {
      application_name: 'periplus',
      statement_timeout: target.statementLimitMs ?? 30_000,
      ...(target.schema === undefined ? {} : { search_path: target.schema }),
    },
    types: {
      // Every int8 of ours is a revision or a time: safe integers both.
      revision: { to: int8, from: [int8], serialize: (value: number) => String(value), parse: Number },
    },
  };
  return postgres(url, options);
}

/** A client that is replaced when one of its connections is lost. */
export interface PostgresPool {
  sql(): Sql;
  close(): Promise<void>;
}

/** What runs on the other connections of a lost client may finish within this. */
const finishLimitSeconds = 2;

export function createPostgresPool(target: Omit<PostgresTarget, 'onLost'>): PostgresPool {
  let current: Sql | undefined;
  const leaving = new Set<Promise<void>>();

  function leave(sql: Sql): void {
    const left = sql.end({ timeout: finishLimitSeconds });
    leaving.add(left);
    void left.finally(() => leaving.delete(left));
  }

  return {
    sql() {
      if (current !== undefined) return current;
      const made = connectPostgres({
        ...target,
        onLost() {
          if (current !== made) return;
          current = undefined;
          leave(made);
        },
      });
      return (current = made);
    },
    async close() {
      await current?.end({ timeout: 1 });
      await Promise.all(leaving);
    },
  };
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** The database is there already, or was made by somebody else at the same time. */
export function isDuplicate(error: unknown): boolean {
  return ['23505', '42P04'].includes(codeOf(error));
}

export function isDatabaseMissing(error: unknown): boolean {
  return codeOf(error) === '3D000';
}
