import { createAuthenticator, type Credentials, type ImpersonationTarget } from './authenticator.js';
import { testUser } from './testing.js';

const mayNothing = () => false;
const robot = testUser('system:serviceaccount:team:robot', 'system:authenticated');
const authenticator = (mayImpersonate: (target: ImpersonationTarget) => boolean = mayNothing) =>
  createAuthenticator({
    tokens: {
      review: (token) =>
        token === 'good'
          ? { outcome: 'authenticated', user: robot, audiences: [] }
          : { outcome: 'refused', error: 'bad token' },
    },
    mayImpersonate: (_user, target) => mayImpersonate(target),
  });

const certificate = { commonName: 'jane', organizations: ['devs'], fingerprint: 'AB:CD:01' };

describe('authentication', () => {
  const users: [name: string, credentials: Credentials, user: string, groups: string[]][] = [
    ['a certificate', { clientCertificate: certificate }, 'jane', ['devs', 'system:authenticated']],
    ['a token', { bearerToken: 'good' }, robot.name, ['system:authenticated']],
    [
      'both: the certificate',
      { clientCertificate: certificate, bearerToken: 'bad' },
      'jane',
      ['devs', 'system:authenticated'],
    ],
    ['nothing', {}, 'system:anonymous', ['system:unauthenticated']],
  ];
  it.each(users)('knows the user of %s', (_name, credentials, user, groups) => {
    expect(authenticator().authenticate(credentials)).toMatchObject({ name: user, groups });
  });

  it('says which certificate it was', () => {
    expect(authenticator().authenticate({ clientCertificate: certificate }).extra).toEqual(
      new Map([['authentication.kubernetes.io/credential-id', ['X509SHA256=abcd01']]]),
    );
  });

  it('refuses a certificate of somebody else, rather than to go on as anonymous', () => {
    expect(() => authenticator().authenticate({ hasRefusedCertificate: true })).toThrow(
      expect.objectContaining({ reason: 'Unauthorized' }),
    );
    expect(authenticator().authenticate({ hasRefusedCertificate: true, bearerToken: 'good' }).name).toBe(robot.name);
  });

  it('refuses a token that proves nothing, rather than to go on as anonymous', () => {
    expect(() => authenticator().authenticate({ bearerToken: 'bad' })).toThrow(
      expect.objectContaining({ reason: 'Unauthorized' }),
    );
  });
});

describe('impersonation', () => {
  const wanted = (user: string, groups: string[] = [], extra = new Map<string, string[]>()): Credentials => ({
    clientCertificate: certificate,
    impersonation: { user, uid: '', groups, extra },
  });

  it('asks for the user, each group and each extra', () => {
    const asked: string[] = [];
    const user = authenticator((target) => {
      asked.push(`${target.group}/${target.resource}/${target.subresource} ${target.namespace}/${target.name}`);
      return true;
    }).authenticate(wanted('bob', ['g1'], new Map([['scopes', ['view']]])));
    expect(asked).toEqual(['/users/ /bob', '/groups/ /g1', 'authentication.k8s.io/userextras/scopes /view']);
    expect(user).toMatchObject({ name: 'bob', groups: ['g1', 'system:authenticated'], impersonator: 'jane' });
  });

  it('gives a service account its groups', () => {
    const asked: ImpersonationTarget[] = [];
    const user = authenticator((target) => asked.push(target) > 0).authenticate(wanted('system:serviceaccount:a:b'));
    expect(asked).toEqual([{ group: '', resource: 'serviceaccounts', subresource: '', namespace: 'a', name: 'b' }]);
    expect(user.groups).toEqual(['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated']);
  });

  it('refuses all when one of them is not allowed', () => {
    const noGroups = authenticator((target) => target.resource !== 'groups');
    expect(() => noGroups.authenticate(wanted('bob', ['system:masters']))).toThrow(
      expect.objectContaining({ reason: 'Forbidden' }),
    );
  });

  it('refuses groups without a user', () => {
    expect(() => authenticator(() => true).authenticate(wanted('', ['g']))).toThrow(
      expect.objectContaining({ reason: 'BadRequest' }),
    );
  });
});
