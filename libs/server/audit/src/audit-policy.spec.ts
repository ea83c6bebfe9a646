import { type AuditPolicy, type AuditQuestion, defaultAuditPolicy, parseAuditPolicy } from './audit-policy.js';

const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';

function policyOf(rules: string, more = ''): AuditPolicy {
  const parsed = parseAuditPolicy(`${head}${more}rules:\n${rules}`);
  if (!parsed.ok) throw new Error(parsed.problems.join(', '));
  return parsed.policy;
}

const resource = (path: string, namespace = 'default', name = 'one'): AuditQuestion['target'] => {
  const [group = '', kind = '', subresource = ''] = path.split('/');
  return { type: 'resource', group, version: 'v1', resource: kind, subresource, namespace, name };
};
const question = (target: AuditQuestion['target'], verb = 'get', user = 'jane', groups = ['dev']): AuditQuestion => ({
  user,
  groups,
  verb,
  target,
});
const pods = resource('/pods');
const path = (text: string): AuditQuestion['target'] => ({ type: 'path', path: text });

test.each<[name: string, rule: string, asked: AuditQuestion, matches: boolean]>([
  ['one of everything', '', question(pods), true],
  ['one of everything, and another path', '', question(path('/version')), true],
  ['a user', 'users: [jane]', question(pods), true],
  ['another user', 'users: [bob]', question(pods), false],
  ['a group', 'userGroups: [ops, dev]', question(pods), true],
  ['another group', 'userGroups: [ops]', question(pods), false],
  ['a verb', 'verbs: [get, list]', question(pods), true],
  ['another verb', 'verbs: [create]', question(pods), false],
  ['a resource', 'resources: [{group: "", resources: [pods]}]', question(pods), true],
  ['its subresource', 'resources: [{group: "", resources: [pods]}]', question(resource('/pods/log')), false],
  ['a subresource', 'resources: [{group: "", resources: [pods/log]}]', question(resource('/pods/log')), true],
  ['all subresources', 'resources: [{group: "", resources: ["pods/*"]}]', question(resource('/pods/log')), true],
  ['all subresources, not itself', 'resources: [{group: "", resources: ["pods/*"]}]', question(pods), false],
  [
    'a subresource of all',
    'resources: [{group: apps, resources: ["*/scale"]}]',
    question(resource('apps/x/scale')),
    true,
  ],
  ['all resources', 'resources: [{group: "", resources: ["*"]}]', question(resource('/pods/log')), true],
  ['a whole group', 'resources: [{group: apps}]', question(resource('apps/deployments')), true],
  ['another group of resources', 'resources: [{group: apps}]', question(pods), false],
  ['a name', 'resources: [{group: "", resources: [pods], resourceNames: [one]}]', question(pods), true],
  ['another name', 'resources: [{group: "", resources: [pods], resourceNames: [two]}]', question(pods), false],
  ['a namespace', 'namespaces: [default]', question(pods), true],
  ['what is in none', 'namespaces: [""]', question(resource('/nodes', '')), true],
  ['another namespace', 'namespaces: [kube-system]', question(pods), false],
  ['a path for a rule of resources', 'namespaces: [default]', question(path('/version')), false],
  ['a path', 'nonResourceURLs: [/version]', question(path('/version')), true],
  ['paths that begin so', 'nonResourceURLs: ["/healthz*"]', question(path('/healthz/log')), true],
  ['all paths', 'nonResourceURLs: ["*"]', question(path('/x')), true],
  ['a resource for a rule of paths', 'nonResourceURLs: ["*"]', question(pods), false],
])('a rule matches or not: %s', (_, rule, asked, matches) => {
  const policy = policyOf(`- level: Request\n${rule === '' ? '' : `  ${rule}\n`}`);
  expect(policy.decide(asked).level).toBe(matches ? 'Request' : 'None');
});

test('the first rule that matches counts', () => {
  const policy = policyOf('- level: None\n  users: [jane]\n- level: Request\n- level: Metadata\n');
  expect(policy.decide(question(pods)).level).toBe('None');
  expect(policy.decide(question(pods, 'get', 'bob')).level).toBe('Request');
});

test.each([
  ['/secrets', 'Metadata'],
  ['/serviceaccounts/token', 'Metadata'],
  ['authentication.k8s.io/tokenreviews', 'Metadata'],
  ['/serviceaccounts', 'RequestResponse'],
  ['/configmaps', 'RequestResponse'],
])('what holds confidential values is at Metadata at most: %s', (kind, level) => {
  expect(policyOf('- level: RequestResponse\n').decide(question(resource(kind))).level).toBe(level);
  expect(policyOf('- level: None\n').decide(question(resource(kind))).level).toBe('None');
});

test('a rule adds to the stages left out, and decides alone of managed fields', () => {
  const rules = '- level: Metadata\n  omitStages: [ResponseStarted]\n  omitManagedFields: false\n';
  const policy = policyOf(rules, 'omitStages: [RequestReceived]\nomitManagedFields: true\n');
  const { omitStages, omitManagedFields } = policy.decide(question(pods));
  expect([[...omitStages], omitManagedFields]).toEqual([['RequestReceived', 'ResponseStarted'], false]);
});

test('by default everything is audited at Metadata, once it is answered', () => {
  const { level, omitStages } = defaultAuditPolicy.decide(question(path('/')));
  expect([level, [...omitStages]]).toEqual(['Metadata', ['RequestReceived']]);
});

test.each([
  ['no YAML', '{', ''],
  ['no object', '[]', 'it is no object'],
  ['another kind', 'apiVersion: v1\nkind: Pod\nrules: [{level: None}]', 'apiVersion must be one of audit.k8s.io/v1'],
  ['no rules', head, 'rules are missing'],
  ['no level', `${head}rules: [{users: [a]}]`, 'rules[0].level must be one of'],
  ['an unknown level', `${head}rules: [{level: All}]`, 'rules[0].level must be one of'],
  ['an unknown stage', `${head}rules: [{level: None}]\nomitStages: [Begin]`, 'omitStages must be some of'],
  ['an unknown field', `${head}rules: [{level: None, user: [a]}]`, 'unknown field rules[0].user'],
  ['a field twice', `${head}rules: [{level: None}]\nrules: []`, ''],
  [
    'a path among resources',
    `${head}rules: [{level: None, nonResourceURLs: [/a], namespaces: [b]}]`,
    'can not stand beside',
  ],
  ['a star within a path', `${head}rules: [{level: None, nonResourceURLs: ["/a*b"]}]`, 'only at its end'],
  ['names of nothing', `${head}rules: [{level: None, resources: [{group: "", resourceNames: [a]}]}]`, 'need resources'],
])('a policy is refused with what is wrong: %s', (_, text, problem) => {
  const parsed = parseAuditPolicy(text);
  expect(parsed.ok).toBe(false);
  expect(parsed.ok ? '' : parsed.problems.join('\n')).toContain(problem);
});
