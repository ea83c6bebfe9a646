/** Which of the nats-servers leads a stream. */
import { connect } from 'nats';

const askLimitMs = 3_000;

/** The leader's name, as the first server says that answers from among the `urls`. */
export async function leaderOf(stream: string, urls: readonly string[]): Promise<string> {
  const nats = await connect({ servers: [...urls], timeout: askLimitMs, reconnect: false });
  try {
    const answer = await nats.request(`$JS.API.STREAM.INFO.${stream}`, '', { timeout: askLimitMs });
    const { cluster } = answer.json<{ readonly cluster?: { readonly leader?: string } }>();
    if (!cluster?.leader) throw new Error(`${stream} has no leader`);
    return cluster.leader;
  } finally {
    await nats.close();
  }
}
