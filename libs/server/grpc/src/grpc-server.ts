/** The gRPC door: mutual TLS, ObjectService, health and reflection. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { objectServiceDescriptors, ObjectServiceService } from '@periplus/api/rpc';
import { HealthImplementation } from 'grpc-health-check';
import { createObjectService, type ObjectServiceOptions } from './object-service.js';

export interface GrpcServerOptions extends ObjectServiceOptions {
  /** Absent: plain text, for tests on loopback. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa: string };
}

export interface GrpcServer {
  /** `host:port` or `unix:/path`; answers the port that was bound. */
  listen(address: string): Promise<number>;
  setServing(isServing: boolean): void;
  /** Lets calls finish for `limitMs`, then ends them. */
  close(limitMs: number): Promise<void>;
}

const serviceName = 'periplus.objects.v1.ObjectService';
/** An object, or a batch of writes, is far smaller. */
const messageBytesMax = 16 * 1024 * 1024;

export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const server = new Server({
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': 10_000,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc-node.max_session_memory': 256,
  });
  server.addService(ObjectServiceService, createObjectService(options));
  const health = new HealthImplementation({ '': 'NOT_SERVING', [serviceName]: 'NOT_SERVING' });
  health.addToServer(server);
  const descriptors = loadFileDescriptorSetFromBuffer(Buffer.from(objectServiceDescriptors, 'base64'));
  new ReflectionService(descriptors).addToServer(server);

  const { tls } = options;
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          Buffer.from(tls.clientCa),
          [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }],
          true,
        );

  return {
    listen: (address) =>
      new Promise((resolve, reject) => {
        server.bindAsync(address, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
      }),
    setServing(isServing) {
      for (const name of ['', serviceName]) health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING');
    },
    close: (limitMs) =>
      new Promise((resolve) => {
        const cancel = options.time.after(limitMs, () => server.forceShutdown());
        server.tryShutdown(() => {
          cancel();
          resolve();
        });
      }),
  };
}
