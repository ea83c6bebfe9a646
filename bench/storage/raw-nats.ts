/** What NATS itself does for its plainest client, on a stream of the same settings: the limit of what we can reach. */
import { randomBytes } from 'node:crypto';
import { connect, headers as createHeaders, type MsgHdrs, type NatsConnection } from 'nats';

export interface RawNats {
  /** One durable message with a compare-and-set expectation; resolves when it is acknowledged. */
  publish(): Promise<void>;
  /** As many in one atomic batch. */
  publishBatch(count: number): Promise<void>;
  /** Reads that many messages of any stream from its start by an ordered push consumer; gives the seconds it took. */
  consume(stream: string, count: number): Promise<number>;
  close(): Promise<void>;
}

const streamName = 'raw';

async function api(nats: NatsConnection, operation: string, body?: object): Promise<void> {
  const message = await nats.request(`$JS.API.${operation}`, body && JSON.stringify(body), { timeout: 10_000 });
  const { error } = message.json<{ error?: { description: string } }>();
  if (error) throw new Error(`${operation}: ${error.description}`);
}

function checkAcknowledged(text: string): void {
  const { error } = JSON.parse(text) as { error?: { description: string } };
  if (error) throw new Error(`NATS refused: ${error.description}`);
}

export async function connectRawNats(
  urls: readonly string[],
  replicas: number,
  payloadBytes: number,
): Promise<RawNats> {
  const nats = await connect({ servers: [...urls] });
  await api(nats, `STREAM.CREATE.${streamName}`, {
    name: streamName,
    subjects: [`${streamName}.>`],
    storage: 'file',
    retention: 'limits',
    discard: 'new',
    num_replicas: replicas,
    allow_atomic: true,
    duplicate_window: 1_000_000_000,
  });
  const payload = new Uint8Array(randomBytes(payloadBytes));
  let next = 0;
  const subject = (): string => `${streamName}.${next++}`;
  const expectNew = (): MsgHdrs => {
    const headers = createHeaders();
    headers.append('Nats-Expected-Last-Subject-Sequence', '0');
    return headers;
  };

  async function publish(): Promise<void> {
    const answer = await nats.request(subject(), payload, { headers: expectNew(), timeout: 10_000 });
    checkAcknowledged(answer.string());
  }

  return {
    publish,
    async publishBatch(count) {
      if (count <= 1) return publish();
      const id = randomBytes(16).toString('hex');
      for (let at = 1; at <= count; at++) {
        const headers = expectNew();
        headers.append('Nats-Batch-Id', id);
        headers.append('Nats-Batch-Sequence', String(at));
        if (at < count) nats.publish(subject(), payload, { headers });
        else {
          headers.append('Nats-Batch-Commit', '1');
          const answer = await nats.request(subject(), payload, { headers, timeout: 10_000 });
          checkAcknowledged(answer.string());
        }
      }
    },
    async consume(stream, count) {
      const started = performance.now();
      const consumer = await nats.jetstream().consumers.get(stream);
      let seen = 0;
      let stop = (): void => undefined;
      await new Promise<void>((resolve, reject) => {
        const consuming = consumer.consume({
          max_messages: 10_000,
          callback() {
            seen += 1;
            if (seen === count) resolve();
          },
        });
        consuming.then((messages) => {
          stop = () => messages.stop();
        }, reject);
      });
      const seconds = (performance.now() - started) / 1_000;
      stop();
      return seconds;
    },
    close: () => nats.close(),
  };
}
