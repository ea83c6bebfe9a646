/** The way to the apiservers: one channel at a time, the next address when the current one is away. */
import { isIP } from 'node:net';
import { type ChannelCredentials, type ChannelOptions, Metadata } from '@grpc/grpc-js';
import { ObjectServiceClient } from '@periplus/api/rpc';

export interface ConnectionOptions {
  /** `host:port` or `unix:/path`; tried in turn. */
  readonly addresses: readonly string[];
  readonly credentials: ChannelCredentials;
  readonly userAgent: string;
  /** Asked before each call, so that it may change. */
  readonly token?: () => string;
  /** The name in the server's certificate, where it isn't the address. */
  readonly serverName?: string;
}

/** A channel, numbered, so that its failure is counted once however many calls it fails. */
export interface Connection {
  readonly client: ObjectServiceClient;
  readonly number: number;
}

export interface Connections {
  current(): Connection;
  /** Says that the connection of that number is of no use: the next address is tried from now on. */
  failed(number: number): void;
  metadata(): Metadata;
  close(): void;
}

/** Larger than any list page or object the server sends. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** TLS asks for servers by name, never by address (RFC 6066); each apiserver's certificate has the name of its Service. */
const serviceName = 'kubernetes';

const isIpAddress = (address: string): boolean => isIP(address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) !== 0;

/** Reconnects are quick, since a restarted server should be found at once; pings find a dead peer in some 15 s. */
function channelOptions(options: ConnectionOptions, address: string): ChannelOptions {
  const serverName = options.serverName ?? (isIpAddress(address) ? serviceName : undefined);
  return {
    'grpc.primary_user_agent': options.userAgent,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    'grpc-node.max_session_memory': 256,
    ...(serverName === undefined
      ? {}
      : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName }),
  };
}

export function openConnections(options: ConnectionOptions): Connections {
  if (options.addresses.length === 0) throw new RangeError('at least one apiserver address is needed');
  const clients = new Map<string, ObjectServiceClient>();
  let number = 0;

  function clientOf(address: string): ObjectServiceClient {
    let client = clients.get(address);
    if (client === undefined) {
      client = new ObjectServiceClient(address, options.credentials, channelOptions(options, address));
      clients.set(address, client);
    }
    return client;
  }

  return {
    current: () => ({ client: clientOf(options.addresses[number % options.addresses.length]!), number }),
    failed(failedNumber) {
      if (failedNumber === number && options.addresses.length > 1) number += 1;
    },
    metadata() {
      const metadata = new Metadata();
      if (options.token !== undefined) metadata.set('authorization', `Bearer ${options.token()}`);
      return metadata;
    },
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}
