/** A key for service account tokens whose signatures are the same in every run, as those of elliptic curves are not. */
import { createHmac } from 'node:crypto';
import type { SigningKey } from '@periplus/server/credentials';

const sign = (data: string): string => createHmac('sha256', 'simulated').update(data).digest('base64url');

export const simulatedKey: SigningKey = {
  algorithm: 'ES256',
  id: 'simulated',
  publicJwk: {},
  sign,
  verify: (data, signature) => sign(data) === signature,
};
