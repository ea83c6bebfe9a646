/** Counts and times of requests, under upstream's names. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { Time } from '@periplus/base/clock';
import type { IncomingRequest } from './request-body.js';

export interface RestMetrics {
  /** To be called at a request's start; gives what is called at its end. */
  begin(request: IncomingRequest): (code: number) => void;
}

export function createRestMetrics(registry: Registry, time: Time): RestMetrics {
  const total = new Counter({
    name: 'apiserver_request_total',
    help: 'Requests by method and code.',
    labelNames: ['verb', 'code'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Time from a request to the end of its answer, watches and streams left out.',
    labelNames: ['verb'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const known = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT']);
  return {
    begin(request) {
      const started = time.monotonic();
      const verb = known.has(request.method ?? '') ? request.method! : 'OTHER';
      const isStream = /[?&](watch|follow)=/.test(request.url ?? '');
      return (code) => {
        total.inc({ verb, code: String(code) });
        if (!isStream) duration.observe({ verb }, (time.monotonic() - started) / 1000);
      };
    },
  };
}
