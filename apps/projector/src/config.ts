/** The projector's options. */
import { type ConfigOf, defineConfig, logLevelOption } from '@periplus/base/config';
import { defaultRetention } from '@periplus/view/retention';

export const projectorConfig = defineConfig({
  program: 'projector',
  summary: 'Follows the log into Postgres, and purges from it what is no longer kept: of many instances one works.',
  options: [
    { name: 'natsUrl', type: 'strings', required: true, help: 'where the log is', example: 'tls://127.0.0.1:4222' },
    { name: 'natsCaFile', type: 'string', help: 'the CA of NATS, PEM; without it the connection is plain' },
    { name: 'natsCertFile', type: 'string', help: 'the client certificate for NATS, PEM' },
    { name: 'natsKeyFile', type: 'string', help: 'its key, PEM' },
    {
      name: 'postgresUrl',
      type: 'string',
      required: true,
      help: 'where the projection is built; the database is made when it is missing',
      example: 'postgres://periplus@127.0.0.1:5432/periplus',
    },
    {
      name: 'historyAge',
      type: 'duration',
      default: defaultRetention.ageMs,
      help: 'how long the log keeps what was: the last state of what exists stays for ever',
      example: '30d',
    },
    {
      name: 'historyEntries',
      type: 'number',
      default: defaultRetention.entriesMax,
      help: 'old entries that are kept of one object at most',
    },
    {
      name: 'historyOverrides',
      type: 'strings',
      default: [],
      help: 'for single kinds RESOURCE[.GROUP]=AGE[:ENTRIES]',
      example: 'pods=1d,configmaps=30d:500,deployments.apps=:1000',
    },
    { name: 'compactInterval', type: 'duration', default: 300_000, help: 'how often what is older is purged' },
    {
      name: 'metricsAddress',
      type: 'string',
      default: '127.0.0.1:9444',
      help: 'where /livez, /readyz and /metrics answer',
      example: 'unix:/run/projector.sock',
    },
    logLevelOption,
  ],
});

export type ProjectorConfig = ConfigOf<typeof projectorConfig>;
