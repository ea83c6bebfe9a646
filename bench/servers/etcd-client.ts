/** The smallest client of etcd that can put: gRPC by hand, since grpc-js would cost more than what is measured. */
import { connect } from 'node:http2';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

export interface EtcdClient {
  put(key: string, value: Uint8Array): Promise<void>;
  /** Whether this member is the leader. */
  leads(): Promise<boolean>;
  close(): void;
}

const frameHeadBytes = 5;
const statusCharsMax = 64;

function frameOf(message: Uint8Array): Buffer {
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** `number` of a message, where that is a 64-bit integer or a message. */
function fieldOf(message: Uint8Array, wanted: number): Uint8Array | bigint | undefined {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field !== wanted) reader.skip(type);
    else if (type === 2) return reader.bytes();
    else return BigInt(reader.uint64());
  }
  return undefined;
}

export function connectEtcd(url: string): EtcdClient {
  const session = connect(url);

  function call(method: string, request: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': `/etcdserverpb.${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const chunks: Buffer[] = [];
      let status: unknown;
      const seen = (headers: Record<string, unknown>): void => {
        status ??= headers['grpc-status'];
      };
      stream.on('response', seen);
      stream.on('trailers', seen);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (status === '0') resolve(Buffer.concat(chunks).subarray(frameHeadBytes));
        else reject(new Error(`etcd answered ${String(status).slice(0, statusCharsMax)}`));
      });
      stream.on('error', reject);
      stream.end(frameOf(request));
    });
  }

  return {
    async put(key, value) {
      // PutRequest{key = 1, value = 2}
      await call('KV/Put', new BinaryWriter().uint32(10).string(key).uint32(18).bytes(value).finish());
    },
    async leads() {
      // StatusResponse{header = 1 {member_id = 2}, leader = 4}
      const status = await call('Maintenance/Status', new Uint8Array());
      const header = fieldOf(status, 1);
      const leader = fieldOf(status, 4);
      return header instanceof Uint8Array && leader !== undefined && fieldOf(header, 2) === leader;
    },
    close: () => session.close(),
  };
}
