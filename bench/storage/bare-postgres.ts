/** What Postgres does for its plainest writer: rows of the same size by `unnest` into a table with nothing but its key. */
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';

export interface BarePostgres {
  /** Rows a second. */
  insert(rows: number): Promise<number>;
  /** A new empty database on the same server; its URL. */
  createDatabase(): Promise<string>;
  close(): Promise<void>;
}

/** As many as the projector writes at most in one statement. */
const batchSize = 1_000;

function connect(url: string) {
  const parsed = new URL(url);
  const [host, port, username] = ['host', 'port', 'user'].map((name) => parsed.searchParams.get(name) ?? undefined);
  return postgres({
    host: host ?? parsed.hostname,
    port: Number(port ?? parsed.port),
    username: username ?? parsed.username,
    database: parsed.pathname.slice(1),
    max: 1,
    fetch_types: false,
    onnotice: () => undefined,
  });
}

export async function connectBarePostgres(url: string, rowBytes: number): Promise<BarePostgres> {
  const sql = connect(url);
  let databases = 0;
  const bytes = `"\\\\x${randomBytes(rowBytes).toString('hex')}"`;
  const payloads = `{${new Array(batchSize).fill(bytes).join(',')}}`;
  return {
    async insert(rows) {
      await sql`drop table if exists bare`;
      await sql`create table bare (revision bigint primary key, subject text not null, entry bytea not null)`;
      const started = performance.now();
      for (let at = 0; at < rows; at += batchSize) {
        const numbers = Array.from({ length: batchSize }, (_unused, index) => at + index);
        await sql`
          insert into bare select * from unnest(
            ${`{${numbers.join(',')}}`}::bigint[],
            ${`{${numbers.map((number) => `objects.core.configmaps.default.${number}`).join(',')}}`}::text[],
            ${payloads}::bytea[])`;
      }
      return rows / ((performance.now() - started) / 1_000);
    },
    async createDatabase() {
      databases += 1;
      const name = `bench_${databases}`;
      await sql`create database ${sql(name)}`;
      const own = new URL(url);
      own.pathname = `/${name}`;
      return own.href;
    },
    close: () => sql.end({ timeout: 1 }),
  };
}
