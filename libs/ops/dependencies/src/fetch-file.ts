/** Downloads over HTTPS: following redirects, bounded, trusting also the machine's own certificate authorities. */
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { rootCertificates } from 'node:tls';

const bytesMax = 256 << 20;
const redirectsMax = 5;
const idleMs = 30_000;

/** Where distributions keep the bundle that an administrator may have added to. */
const systemBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];

export class DownloadError extends Error {
  readonly code = 'DownloadFailed';
}

function trustedCertificates(extraBundle: string | undefined): string[] {
  const bundles = [...systemBundles, ...(extraBundle === undefined ? [] : [extraBundle])];
  return [...rootCertificates, ...bundles.filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'))];
}

interface Fetched {
  readonly body: Buffer;
  readonly contentType: string;
}

export interface FetchOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** A PEM file to trust besides the usual ones. */
  readonly certificateBundle?: string | undefined;
}

export function fetchFile(url: string, options: FetchOptions = {}, redirects = 0): Promise<Fetched> {
  const ca = trustedCertificates(options.certificateBundle);
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown) => reject(new DownloadError(`${url}: ${message}`, { cause }));
    const call = get(url, { ca, headers: { ...options.headers }, timeout: idleMs }, (response) => {
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.resume();
        if (redirects >= redirectsMax) return fail('too many redirects');
        return resolve(fetchFile(new URL(headers.location, url).href, options, redirects + 1));
      }
      if (statusCode !== 200) {
        response.resume();
        return fail(`answered ${statusCode}`);
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > bytesMax) call.destroy(new Error(`is larger than ${bytesMax} bytes`));
        chunks.push(chunk);
      });
      response.on('end', () => resolve({ body: Buffer.concat(chunks), contentType: headers['content-type'] ?? '' }));
      return response.on('error', (error) => fail(error.message, error));
    });
    call.on('timeout', () => call.destroy(new Error(`no answer in ${idleMs / 1000} s`)));
    call.on('error', (error) => fail(error.message, error));
  });
}
