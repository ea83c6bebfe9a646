/** Asks a service once whether it is ready. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { listeningPorts } from './listening-ports.js';
import type { HealthProbe } from './service-spec.js';

export type ProbeResult =
  | { readonly ready: true; readonly note?: string }
  | {
      readonly ready: false;
      readonly reason: string;
      /** It takes connections and says nothing: not even no. */
      readonly silent?: boolean;
    };

const bodyCharsMax = 300;

/** A full queue of connections that nobody accepts is silence too. */
function unreachable(error: Error): ProbeResult {
  return { ready: false, reason: error.message, silent: (error as NodeJS.ErrnoException).code === 'EAGAIN' };
}

function noAnswer(timeoutMs: number): ProbeResult {
  return { ready: false, reason: `no answer in ${timeoutMs / 1000} s`, silent: true };
}

function askHttp(socketPath: string, path: string, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, timeout: timeoutMs, headers: { host: 'localhost' } }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (body.length < bodyCharsMax) body += chunk;
      });
      response.on('error', (error) => resolve({ ready: false, reason: error.message }));
      response.on('end', () => {
        const note = response.headers['periplus-note'];
        if (response.statusCode === 200)
          resolve({ ready: true, ...(typeof note === 'string' ? { note: note.slice(0, bodyCharsMax) } : {}) });
        else resolve({ ready: false, reason: `${response.statusCode} ${body.slice(0, bodyCharsMax).trim()}` });
      });
    });
    call.on('timeout', () => {
      resolve(noAnswer(timeoutMs));
      call.destroy();
    });
    call.on('error', (error) => resolve(unreachable(error)));
    call.end();
  });
}

function askByBytes(probe: HealthProbe & { readonly kind: 'exchange' }, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const { target, answerPrefix } = probe;
    const socket = connect('socketPath' in target ? { path: target.socketPath } : { ...target });
    let answer = Buffer.alloc(0);
    const finish = (result: ProbeResult) => {
      socket.destroy();
      resolve(result);
    };
    const refuse = () =>
      finish({
        ready: false,
        reason: `unexpected answer ${JSON.stringify(answer.toString('latin1').slice(0, bodyCharsMax))}`,
      });
    socket.setTimeout(timeoutMs, () => finish(noAnswer(timeoutMs)));
    socket.on('error', (error) => finish(unreachable(error)));
    socket.on('connect', () => {
      if (answerPrefix === '') finish({ ready: true });
      else if (probe.sendBase64 !== undefined) socket.write(Buffer.from(probe.sendBase64, 'base64'));
    });
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < answerPrefix.length) return;
      if (answer.subarray(0, answerPrefix.length).toString('latin1') === answerPrefix) finish({ ready: true });
      else refuse();
    });
    socket.on('end', refuse);
  });
}

async function askKernel(port: number): Promise<ProbeResult> {
  return listeningPorts().includes(port) ? { ready: true } : { ready: false, reason: `nobody listens on port ${port}` };
}

/** Never fails: what goes wrong is the reason. */
export function probeHealth(probe: HealthProbe, timeoutMs = 2_000): Promise<ProbeResult> {
  switch (probe.kind) {
    case 'http':
      return askHttp(probe.socketPath, probe.path, timeoutMs);
    case 'listening':
      return askKernel(probe.port);
    case 'exchange':
      return askByBytes(probe, timeoutMs);
  }
}
