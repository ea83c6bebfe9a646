/** A client that opens a new connection for each request, at a steady rate, and remembers every one that failed. */
import { request } from 'node:http';

export interface LoadReport {
  readonly sent: number;
  /** What went wrong, with when, for each failed request. */
  readonly failures: readonly string[];
  /** How often each answer was given. */
  readonly answers: ReadonlyMap<string, number>;
}

export interface RequestLoad {
  /** Stops sending, waits for what is under way, and reports. */
  stop(): Promise<LoadReport>;
}

export function startRequestLoad(url: string, perSecond: number, answerLimitMs = 5_000): RequestLoad {
  const failures: string[] = [];
  const answers = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  const started = Date.now();
  let sent = 0;

  const send = (): void => {
    sent += 1;
    const at = Date.now() - started;
    const one = get(url, answerLimitMs).then(
      (answer) => void answers.set(answer, (answers.get(answer) ?? 0) + 1),
      (error: unknown) => void failures.push(`at ${at} ms: ${String(error)}`),
    );
    underWay.add(one);
    void one.then(() => underWay.delete(one));
  };
  const timer = setInterval(send, 1000 / perSecond);
  // A test that fails before it stops the load must not keep its process.
  timer.unref();

  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      return { sent, failures, answers };
    },
  };
}

/** One GET on a connection of its own; rejects unless it is answered with 200. */
export function get(url: string, limitMs = 5_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false, timeout: limitMs }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString('utf8');
      });
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`status ${response.statusCode}: ${body.slice(0, 200)}`));
      });
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${limitMs} ms`)));
    outgoing.once('error', reject);
    outgoing.end();
  });
}
