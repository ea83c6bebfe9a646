import { status as grpcStatus } from '@grpc/grpc-js';
import {
  alreadyExists,
  forbidden,
  internalError,
  invalid,
  notFound,
  requiredField,
  type Status,
  type StatusError,
  staleConflict,
  unauthorized,
} from '@periplus/api/meta';
import { silentLogger } from '@periplus/base/telemetry';
import { toServiceError, toStatus } from './call-failure.js';

const pods = { group: '', resource: 'pods' };
const trailerOf = (status: Status): Status => {
  const [bytes] = toServiceError(status).metadata?.get('kubernetes-status-bin') ?? [];
  return JSON.parse(String(bytes)) as Status;
};

describe('refusals over gRPC', () => {
  const codes: [name: string, error: StatusError, code: grpcStatus][] = [
    ['what is not there', notFound(pods, 'p'), grpcStatus.NOT_FOUND],
    ['what is there already', alreadyExists(pods, 'p'), grpcStatus.ALREADY_EXISTS],
    ['a stale write', staleConflict(pods, 'p'), grpcStatus.ABORTED],
    ['what one may not', forbidden(pods, 'p', 'no'), grpcStatus.PERMISSION_DENIED],
    ['who one is not', unauthorized(), grpcStatus.UNAUTHENTICATED],
    ['our own faults', internalError('x'), grpcStatus.INTERNAL],
  ];
  it.each(codes)('have a code for %s, and the Status beside it', (_name, error, code) => {
    expect(toServiceError(error.status).code).toBe(code);
    expect(trailerOf(error.status)).toEqual(error.status);
  });

  it('fit into a trailer however much is wrong', () => {
    const errors = Array.from({ length: 500 }, (_, n) => requiredField(`spec.containers[${n}].image`, 'x'.repeat(100)));
    const short = trailerOf(invalid({ group: '', kind: 'Pod' }, 'p', errors).status);
    expect(JSON.stringify(short).length).toBeLessThan(5_500);
    expect(short).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(short.details?.causes?.length).toBeGreaterThan(5);
  });

  it('show nothing of what went wrong inside', () => {
    const status = toStatus(new Error('password=canary'), silentLogger);
    expect(status.code).toBe(500);
    expect(JSON.stringify(status)).not.toContain('canary');
  });
});
