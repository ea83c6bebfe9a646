export type { SpdyHeaders } from './header-block.js';
export { SpdyError } from './spdy-error.js';
export {
  createSpdySession,
  type SpdySession,
  type SpdySessionOptions,
  type SpdyStream,
  type SpdyStreamHandler,
} from './spdy-session.js';
