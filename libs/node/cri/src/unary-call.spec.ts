import { type ClientUnaryCall, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { call, type UnaryMethod } from './unary-call.js';

function failingWith(code: status, details: string): UnaryMethod<object, object> {
  const error = Object.assign(new Error(details), { code, details, metadata: new Metadata() }) as ServiceError;
  return (_request, _metadata, _options, callback) => {
    callback(error, {});
    return { cancel: () => undefined } as ClientUnaryCall;
  };
}

describe('a failed call to the runtime', () => {
  it.each([
    ['what is not there', status.NOT_FOUND, 'no such container', 'NOT_FOUND'],
    ['a runtime that is away', status.UNAVAILABLE, 'connect ENOENT', 'UNAVAILABLE'],
    ['a runtime that still starts', status.UNKNOWN, 'server is not initialized yet', 'UNAVAILABLE'],
    ['a call that took too long', status.DEADLINE_EXCEEDED, '', 'DEADLINE_EXCEEDED'],
    ['what the runtime refuses', status.UNKNOWN, 'failed to create containerd task', 'REFUSED'],
  ])('tells %s', async (_name, code, details, expected) => {
    await expect(call('Method', failingWith(code, details), {}, 1_000)).rejects.toMatchObject({ code: expected });
  });
});
