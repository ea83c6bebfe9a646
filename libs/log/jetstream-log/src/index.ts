export {
  connectJetStreamLog,
  type JetStreamLog,
  type JetStreamLogOptions,
} from './jetstream-log.js';
export { AppendRefusedError } from './publish-answer.js';
export { UnsupportedServerError } from './server-version.js';
