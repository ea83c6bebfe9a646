/** The files with certificates and keys that the configuration names, read once at the start. */
import { readFileSync } from 'node:fs';
import { ConfigError } from '@periplus/base/config';
import type { ApiserverConfig } from './config.js';

export interface KeyMaterial {
  readonly clientCa: string;
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly serviceAccountKey: string;
  readonly kubeletClientCert: string;
  readonly kubeletClientKey: string;
  readonly clusterKey: Uint8Array;
}

const clusterKeyLength = 32;

/** Throws a ConfigError that names the file. */
export function readKeyMaterial(config: ApiserverConfig): KeyMaterial {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new ConfigError('apiserver', [
        `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`,
      ]);
    }
  };
  const clusterKey = Buffer.from(read(config.clusterKeyFile).trim(), 'base64');
  if (clusterKey.length !== clusterKeyLength)
    throw new ConfigError('apiserver', [`${config.clusterKeyFile} does not hold ${clusterKeyLength} bytes in base64`]);
  return {
    clientCa: read(config.clientCaFile),
    tlsCert: read(config.tlsCertFile),
    tlsKey: read(config.tlsKeyFile),
    serviceAccountKey: read(config.serviceAccountKeyFile),
    kubeletClientCert: read(config.kubeletClientCertFile),
    kubeletClientKey: read(config.kubeletClientKeyFile),
    clusterKey,
  };
}
