/** The verifier's options. */
import { type ConfigOf, defineConfig } from '@periplus/base/config';

export const verifierConfig = defineConfig({
  program: 'verifier',
  summary:
    'Reads the log from end to end and holds Postgres and the apiservers against it; writes what it found as lines of JSON.',
  options: [
    { name: 'natsUrl', type: 'strings', required: true, help: 'where the log is', example: 'tls://127.0.0.1:4222' },
    { name: 'natsCaFile', type: 'string', help: 'the CA of NATS, PEM; without it the connection is plain' },
    { name: 'natsCertFile', type: 'string', help: 'the client certificate for NATS, PEM' },
    { name: 'natsKeyFile', type: 'string', help: 'its key, PEM' },
    { name: 'postgresUrl', type: 'string', help: 'where the projection is; without it the tables are left out' },
    {
      name: 'clusterKeyFile',
      type: 'string',
      help: "the cluster's key, which opens Secrets; without it they stay closed",
    },
    {
      name: 'apiserver',
      type: 'strings',
      default: [],
      help: 'addresses of the apiservers whose caches are compared',
      example: 'https://127.0.0.1:6443',
    },
    { name: 'caFile', type: 'string', help: "the CA of the apiservers' certificates, PEM" },
    { name: 'certFile', type: 'string', help: 'a client certificate that may read everything, PEM' },
    { name: 'keyFile', type: 'string', help: 'its key, PEM' },
  ],
});

export type VerifierConfig = ConfigOf<typeof verifierConfig>;
