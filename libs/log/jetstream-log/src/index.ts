export {
  connectJetStreamLog,
  type JetStreamLog,
  type JetStreamLogOptions,
  UnsupportedServerError,
} from './jetstream-log.js';
export { AppendRefusedError } from './publish-answer.js';
