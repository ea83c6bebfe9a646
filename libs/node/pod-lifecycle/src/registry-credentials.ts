/** Reads the credentials for an image's registry from the pod's imagePullSecrets. */
import type { Secret } from '@periplus/api/kinds';
import type { RegistryCredentials } from './runtime.js';

function hostOf(image: string): string {
  const first = image.split('/')[0] ?? '';
  const named = image.includes('/') && (first.includes('.') || first.includes(':') || first === 'localhost');
  return named ? first : 'docker.io';
}

/** `https://index.docker.io/v1/` and `docker.io` mean the same. */
function registryOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function entriesOf(secret: Secret): [string, unknown][] {
  const modern = secret.data?.['.dockerconfigjson'];
  const legacy = secret.data?.['.dockercfg'];
  const encoded = modern ?? legacy;
  if (encoded === undefined) return [];
  try {
    const parsed: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
    const auths: unknown = modern === undefined ? parsed : (parsed as { auths?: unknown } | null)?.auths;
    return typeof auths === 'object' && auths !== null ? Object.entries(auths) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Those of the secrets that name the image's registry; broken ones are passed over. */
export function credentialsFor(image: string, secrets: readonly Secret[]): readonly RegistryCredentials[] {
  const host = hostOf(image);
  return secrets.flatMap((secret) =>
    entriesOf(secret).flatMap(([key, value]) => {
      if (registryOf(key) !== host || typeof value !== 'object' || value === null) return [];
      const entry = value as Record<string, unknown>;
      const { username, password, auth, identitytoken } = entry;
      return [
        {
          username: text(username),
          password: text(password),
          auth: text(auth),
          identityToken: text(identitytoken),
        },
      ];
    }),
  );
}
