export { type Cri, type CriOptions, type CriStreams, createCri, type ExecStreamRequest } from './cri-runtime.js';
