/** The archivist's options. */
import { type ConfigOf, defineConfig } from '@periplus/base/config';

export const archivistConfig = defineConfig({
  program: 'archivist',
  summary:
    'Saves the log in a file, or fills an empty log from one; says what it does in lines of JSON, as long as its input is open.',
  options: [
    {
      name: 'task',
      type: 'string',
      required: true,
      help: 'save: append to the file what it lacks; look: say what it is; check: read all of it; restore: fill the log from it',
    },
    { name: 'file', type: 'string', required: true, help: 'the back-up', example: '/backup/default.periplus' },
    { name: 'keysFile', type: 'string', help: 'the keys of what is sealed in it; without it Secrets stay closed' },
    { name: 'clusterId', type: 'string', help: 'the name of the cluster that is saved, or made' },
    { name: 'clusterKeyFile', type: 'string', help: "the cluster's key: saved from here, restored to here" },
    { name: 'full', type: 'boolean', default: false, help: 'save: begin the file anew' },
    {
      name: 'notes',
      type: 'strings',
      default: [],
      help: 'save: what a new file says of the cluster',
      example: 'index=0',
    },
    { name: 'to', type: 'string', help: 'check, restore: up to which moment', example: '2h' },
    { name: 'natsUrl', type: 'strings', default: [], help: 'where the log is', example: 'tls://127.0.0.1:4222' },
    { name: 'natsCaFile', type: 'string', help: 'the CA of NATS, PEM; without it the connection is plain' },
    { name: 'natsCertFile', type: 'string', help: 'the client certificate for NATS, PEM' },
    { name: 'natsKeyFile', type: 'string', help: 'its key, PEM' },
  ],
});

export type ArchivistConfig = ConfigOf<typeof archivistConfig>;
