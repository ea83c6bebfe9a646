import { waitUntil } from '@periplus/testing/cluster';
import { type ClusterOf, useNamespace } from './fixtures.js';

interface StatusBody {
  kind: string;
  status: string;
  reason: string;
  code: number;
  message: string;
  details?: { causes?: { reason: string; field: string }[] };
}

export function describeBadInput(clusterOf: ClusterOf): void {
  describe('bad input', () => {
    const namespace = useNamespace(clusterOf, 'bad-input');
    const path = '/api/v1/namespaces/bad-input';
    let token = '';
    let server = '';

    beforeAll(async () => {
      const cluster = clusterOf();
      await cluster.kubectl(['create', 'serviceaccount', 'writer', ...namespace]);
      await cluster.kubectl([
        'create',
        'rolebinding',
        'writer',
        '--clusterrole=admin',
        '--serviceaccount=bad-input:writer',
        ...namespace,
      ]);
      token = (await cluster.kubectl(['create', 'token', 'writer', ...namespace])).trim();
      server = await cluster.kubectl(['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}']);
    }, 60_000);

    async function send(
      method: string,
      url: string,
      body: string | Uint8Array,
      contentType = 'application/json',
    ): Promise<StatusBody> {
      const { request } = await import('node:https');
      return new Promise((resolve, reject) => {
        const outgoing = request(
          `${server}${url}`,
          {
            method,
            agent: false,
            timeout: 20_000,
            rejectUnauthorized: false,
            headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
          },
          (response) => {
            let text = '';
            response.on('data', (chunk: Buffer) => {
              text += chunk.toString();
            });
            response.on('end', () => resolve(JSON.parse(text) as StatusBody));
          },
        );
        outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
        outgoing.on('error', reject);
        outgoing.end(body);
      });
    }

    it.each([
      ['malformed JSON', `${path}/configmaps`, '{"a":', 'application/json', 400, 'BadRequest'],
      ['malformed YAML', `${path}/configmaps`, 'a: [', 'application/yaml', 400, 'BadRequest'],
      [
        'malformed protobuf',
        `${path}/configmaps`,
        'k8s\0\xff\xff',
        'application/vnd.kubernetes.protobuf',
        400,
        'BadRequest',
      ],
      ['an unknown media type', `${path}/configmaps`, '{}', 'text/html', 415, 'UnsupportedMediaType'],
      [
        'too much',
        `${path}/configmaps`,
        `{"data":{"a":"${'x'.repeat(3 * 1024 * 1024)}"}}`,
        'application/json',
        413,
        'RequestEntityTooLarge',
      ],
      [
        'a wrong type',
        `${path}/configmaps`,
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":1}}',
        'application/json',
        400,
        'BadRequest',
      ],
      [
        'a name that is none',
        `${path}/configmaps`,
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"Not A Name"}}',
        'application/json',
        422,
        'Invalid',
      ],
      ['an unknown resource', `${path}/nothings`, '{}', 'application/json', 404, 'NotFound'],
      [
        'a missing namespace',
        '/api/v1/namespaces/gone/configmaps',
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}}',
        'application/json',
        403,
        'Forbidden',
      ],
    ])('%s is refused', async (_case, url, body, contentType, code, reason) => {
      const payload = contentType.includes('protobuf') ? Buffer.from(body, 'latin1') : body;
      expect(await send('POST', url, payload, contentType)).toMatchObject({
        kind: 'Status',
        status: 'Failure',
        code,
        reason,
      });
    });

    it('an invalid object is refused with every field that is wrong', async () => {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'wrong' },
        spec: { restartPolicy: 'Sometimes', containers: [{ name: 'A_B' }] },
      };
      const status = await send('POST', `${path}/pods`, JSON.stringify(pod));
      expect(status).toMatchObject({ code: 422, reason: 'Invalid' });
      const fields = status.details?.causes?.map((cause) => cause.field) ?? [];
      expect(fields).toEqual(
        expect.arrayContaining(['spec.containers[0].name', 'spec.containers[0].image', 'spec.restartPolicy']),
      );
    });

    it('kubectl prints it well', async () => {
      const cluster = clusterOf();
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'wrong' }, spec: { containers: [{ name: 'a' }] } };
      const invalid = await cluster.tryKubectl(['create', ...namespace, '-f', '-'], { stdin: JSON.stringify(pod) });
      expect(invalid).toMatchObject({
        code: 1,
        stderr: 'The Pod "wrong" is invalid: spec.containers[0].image: Required value\n',
      });
      const missing = await cluster.tryKubectl(['get', 'pod', 'gone', ...namespace]);
      expect(missing.stderr).toBe('Error from server (NotFound): pods "gone" not found\n');
      const unknown = await cluster.tryKubectl(['create', ...namespace, '-f', '-'], {
        stdin: JSON.stringify({
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'd' },
          spec: { unknownField: 1 },
        }),
      });
      expect(unknown.stderr).toContain('strict decoding error: unknown field "spec.unknownField"');
    });

    it('a second create and a stale update are conflicts, and nothing was stored', async () => {
      const cluster = clusterOf();
      const map = (name: string, extra: object = {}): string =>
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...extra } });
      await cluster.kubectl(['create', ...namespace, '-f', '-'], { stdin: map('once') });
      expect((await cluster.tryKubectl(['create', ...namespace, '-f', '-'], { stdin: map('once') })).stderr).toContain(
        'AlreadyExists',
      );
      expect(await send('PUT', `${path}/configmaps/once`, map('once', { resourceVersion: '1' }))).toMatchObject({
        code: 409,
        reason: 'Conflict',
      });
      await waitUntil('only what was accepted', 10_000, async () => {
        const names = await cluster.kubectl(['get', 'configmaps,pods,deployments', ...namespace, '-o', 'name']);
        return names.trim().split('\n').sort().join() === 'configmap/kube-root-ca.crt,configmap/once';
      });
    });
  });
}
