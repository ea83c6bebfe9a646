/** Service account tokens for pods, bound to them, renewed when most of their life is over. */
import type { AuthenticationV1TokenRequest, Pod } from '@periplus/api/kinds';
import type { Random, Time } from '@periplus/base/clock';
import type { ApiClient } from '@periplus/client/api-client';
import { parseTime } from './timestamp.js';
import type { PodTokens } from './volume-planning.js';

interface Held {
  readonly token: string;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

export interface PodTokenCache extends PodTokens {
  forget(podUid: string): void;
}

/** As upstream: at 80 % of its life, or after a day. */
const RENEW_SHARE = 0.8;
const RENEW_AFTER_MAX_MS = 86_400_000;

export function createPodTokens(client: ApiClient, time: Time, random: Random): PodTokenCache {
  const held = new Map<string, Held>();

  async function request(pod: Pod, audience: string, expirationSeconds: number): Promise<Held> {
    const { namespace = '', name = '', uid } = pod.metadata ?? {};
    const serviceAccount = pod.spec?.serviceAccountName || 'default';
    const body: AuthenticationV1TokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    const resource = { group: '', version: 'v1', resource: 'serviceaccounts' };
    const target = { ...resource, namespace, name: serviceAccount, subresource: 'token' };
    const answer = await client.create<AuthenticationV1TokenRequest>(target, body);
    const nowMs = time.now();
    const expiresAtMs = parseTime(answer.status?.expirationTimestamp) ?? nowMs + expirationSeconds * 1000;
    const lifeMs = expiresAtMs - nowMs;
    const renewAfterMs = Math.min(lifeMs * RENEW_SHARE, RENEW_AFTER_MAX_MS) - random.next() * 10_000;
    return { token: answer.status?.token ?? '', renewAtMs: nowMs + renewAfterMs, expiresAtMs };
  }

  return {
    async token(pod, audience, expirationSeconds) {
      const key = `${pod.metadata?.uid ?? ''}/${expirationSeconds}/${audience}`;
      const known = held.get(key);
      if (known && known.renewAtMs > time.now()) return known.token;
      try {
        const fresh = await request(pod, audience, expirationSeconds);
        held.set(key, fresh);
        return fresh.token;
      } catch (error) {
        if (known && known.expiresAtMs > time.now()) return known.token;
        throw error;
      }
    },
    forget(podUid) {
      for (const key of held.keys()) if (key.startsWith(`${podUid}/`)) held.delete(key);
    },
  };
}
