/** Asks a gRPC server for its health: one unary call of grpc.health.v1.Health/Check over cleartext HTTP/2. */
import { connect, constants } from 'node:http2';
import type { ProbeOutcome } from '@periplus/node/pod-lifecycle';

const SERVING = 1;
/** Two bytes of length are enough for any name there is. */
const SERVICE_BYTES_MAX = 0x3fff;
const ANSWER_BYTES_MAX = 4_096;
const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** A gRPC frame around HealthCheckRequest{service}. */
function requestFrame(service: string): Buffer {
  const name = Buffer.from(service, 'utf8').subarray(0, SERVICE_BYTES_MAX);
  const length = name.length < 0x80 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** HealthCheckResponse{status} of a gRPC frame; UNKNOWN when the field is absent. */
function statusOf(frame: Buffer): number {
  const message = frame.subarray(5);
  return message.length >= 2 && message[0] === 0x08 ? (message[1] ?? 0) : 0;
}

const failure = (output: string): ProbeOutcome => ({ result: 'failure', output });

export function checkGrpcHealth(host: string, port: number, service: string, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const session = connect(`http://${address}`);
    let settled = false;
    const settle = (outcome: ProbeOutcome): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      session.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(
      () => settle(failure(`timeout: failed to connect service "${address}" within ${timeoutMs} ms`)),
      timeoutMs,
    );
    let connected = false;
    const broken = (error: Error): void => {
      const what = connected ? 'health rpc probe failed' : `failed to connect service "${address}"`;
      settle(failure(`error: ${what}: ${error.message}`));
    };
    session.on('connect', () => {
      connected = true;
    });
    session.on('error', broken);
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'kube-probe/1.35',
    });
    const chunks: Buffer[] = [];
    let size = 0;
    let grpcStatus = '';
    stream.on('response', (headers) => {
      grpcStatus = String(headers['grpc-status'] ?? '');
    });
    stream.on('trailers', (headers) => {
      grpcStatus = String(headers['grpc-status'] ?? grpcStatus);
    });
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > ANSWER_BYTES_MAX) settle(failure('error: the answer is too long'));
      else chunks.push(chunk);
    });
    stream.on('error', broken);
    stream.on('end', () => {
      if (grpcStatus !== '0') {
        settle(failure(`error: health rpc probe failed: status ${grpcStatus === '' ? 'unknown' : grpcStatus}`));
        return;
      }
      const status = statusOf(Buffer.concat(chunks));
      if (status === SERVING) settle({ result: 'success', output: 'service healthy' });
      else settle(failure(`service unhealthy (responded with "${statusNames[status] ?? status}")`));
    });
    stream.end(requestFrame(service));
  });
}
