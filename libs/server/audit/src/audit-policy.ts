/** A Policy of audit.k8s.io/v1: read from its file, and asked for each request. Pure. */
import type { Json, JsonObject } from '@periplus/api/meta';
import { parseYaml } from '@periplus/api/schema';

/** From the least to the most that an event holds. */
export const auditLevels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof auditLevels)[number];

const auditStages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditStage = (typeof auditStages)[number];

/** What a request is about: a resource, or another path. */
export type AuditTarget =
  | {
      readonly type: 'resource';
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly type: 'path'; readonly path: string };

export interface AuditQuestion {
  readonly user: string;
  readonly groups: readonly string[];
  readonly verb: string;
  readonly target: AuditTarget;
}

/** How a request is audited. */
export interface AuditDecision {
  readonly level: AuditLevel;
  readonly omitStages: ReadonlySet<AuditStage>;
  readonly omitManagedFields: boolean;
}

export interface AuditPolicy {
  decide(question: AuditQuestion): AuditDecision;
}

export type AuditPolicyParsed =
  | { readonly ok: true; readonly policy: AuditPolicy }
  | { readonly ok: false; readonly problems: readonly string[] };

interface GroupResources {
  readonly group: string;
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

interface PolicyRule {
  readonly level: AuditLevel;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly GroupResources[];
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: ReadonlySet<AuditStage>;
  readonly omitManagedFields: boolean | undefined;
}

/** Reads fields of one object, and says of those that it does not know, or that are not what they should be. */
class FieldReader {
  private readonly seen = new Set<string>();
  constructor(
    private readonly object: JsonObject,
    private readonly path: string,
    private readonly problems: string[],
  ) {}

  private take(name: string): Json | undefined {
    this.seen.add(name);
    return this.object[name] ?? undefined;
  }

  private refuse(name: string, what: string): void {
    this.problems.push(`${this.path}${name} must be ${what}`);
  }

  text(name: string): string {
    const value = this.take(name);
    if (value === undefined || typeof value === 'string') return value ?? '';
    this.refuse(name, 'a text');
    return '';
  }

  truth(name: string): boolean | undefined {
    const value = this.take(name);
    if (value === undefined || typeof value === 'boolean') return value;
    this.refuse(name, 'true or false');
    return undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.take(name);
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    this.refuse(name, 'a list of texts');
    return [];
  }

  objects<T>(name: string, read: (reader: FieldReader) => T): readonly T[] {
    const value = this.take(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.refuse(name, 'a list');
      return [];
    }
    return value.flatMap((item, index) => {
      const path = `${this.path}${name}[${index}]`;
      if (typeof item !== 'object' || item === null || Array.isArray(item)) {
        this.problems.push(`${path} must be an object`);
        return [];
      }
      const reader = new FieldReader(item as JsonObject, `${path}.`, this.problems);
      const made = read(reader);
      reader.end();
      return [made];
    });
  }

  oneOf<const T extends string>(name: string, known: readonly T[], fallback: T): T {
    const value = this.text(name);
    const found = known.find((each) => each === value);
    if (found === undefined) this.refuse(name, `one of ${known.join(', ')}`);
    return found ?? fallback;
  }

  stages(): ReadonlySet<AuditStage> {
    const given = this.texts('omitStages');
    const known = auditStages.filter((stage) => given.includes(stage));
    if (known.length < new Set(given).size) this.refuse('omitStages', `some of ${auditStages.join(', ')}`);
    return new Set(known);
  }

  /** Passes over a field. */
  skip(name: string): void {
    this.seen.add(name);
  }

  end(): void {
    for (const name of Object.keys(this.object))
      if (!this.seen.has(name)) this.problems.push(`unknown field ${this.path}${name}`);
  }
}

function readRule(reader: FieldReader): PolicyRule {
  return {
    level: reader.oneOf('level', auditLevels, 'None'),
    users: reader.texts('users'),
    userGroups: reader.texts('userGroups'),
    verbs: reader.texts('verbs'),
    resources: reader.objects('resources', (each) => ({
      group: each.text('group'),
      resources: each.texts('resources'),
      resourceNames: each.texts('resourceNames'),
    })),
    namespaces: reader.texts('namespaces'),
    nonResourceURLs: reader.texts('nonResourceURLs'),
    omitStages: reader.stages(),
    omitManagedFields: reader.truth('omitManagedFields'),
  };
}

function checkRule(rule: PolicyRule, path: string): string[] {
  const problems: string[] = [];
  if (rule.nonResourceURLs.length > 0 && (rule.resources.length > 0 || rule.namespaces.length > 0))
    problems.push(`${path}.nonResourceURLs can not stand beside resources or namespaces`);
  for (const url of rule.nonResourceURLs) {
    if (url !== '*' && !url.startsWith('/')) problems.push(`${path}.nonResourceURLs: ${url} must begin with /`);
    if (url.slice(0, -1).includes('*')) problems.push(`${path}.nonResourceURLs: ${url} may have * only at its end`);
  }
  for (const { resources, resourceNames } of rule.resources)
    if (resources.length === 0 && resourceNames.length > 0)
      problems.push(`${path}.resources: resourceNames need resources`);
  return problems;
}

/** `pods`, `pods/log`, `pods/*`, `*` + `/scale`, `*` for all with their subresources. */
function namesResource(pattern: string, resource: string, subresource: string): boolean {
  if (pattern === '*') return true;
  const [wanted = '', part = ''] = pattern.split('/');
  if (subresource === '') return part === '' && wanted === resource;
  return (wanted === '*' || wanted === resource) && (part === '*' || part === subresource);
}

const isAny = (values: readonly string[], value: string): boolean => values.length === 0 || values.includes(value);

function matchesTarget(rule: PolicyRule, target: AuditTarget): boolean {
  if (rule.resources.length > 0 || rule.namespaces.length > 0) {
    if (target.type !== 'resource' || !isAny(rule.namespaces, target.namespace)) return false;
    if (rule.resources.length === 0) return true;
    return rule.resources.some(
      ({ group, resources, resourceNames }) =>
        group === target.group &&
        (resources.length === 0 ||
          resources.some((pattern) => namesResource(pattern, target.resource, target.subresource))) &&
        isAny(resourceNames, target.name),
    );
  }
  if (rule.nonResourceURLs.length === 0) return true;
  if (target.type !== 'path') return false;
  return rule.nonResourceURLs.some((url) =>
    url.endsWith('*') ? target.path.startsWith(url.slice(0, -1)) : target.path === url,
  );
}

function matches(rule: PolicyRule, question: AuditQuestion): boolean {
  return (
    isAny(rule.users, question.user) &&
    (rule.userGroups.length === 0 || rule.userGroups.some((group) => question.groups.includes(group))) &&
    isAny(rule.verbs, question.verb) &&
    matchesTarget(rule, question.target)
  );
}

/** What holds confidential values. */
const confidential: ReadonlySet<string> = new Set([
  '/secrets',
  '/serviceaccounts/token',
  'authentication.k8s.io/tokenreviews',
]);

function isConfidential(target: AuditTarget): boolean {
  if (target.type !== 'resource') return false;
  const { group, resource, subresource } = target;
  return confidential.has(`${group}/${resource}`) || confidential.has(`${group}/${resource}/${subresource}`);
}

function createPolicy(
  rules: readonly PolicyRule[],
  omitStages: ReadonlySet<AuditStage>,
  omitManagedFields: boolean,
): AuditPolicy {
  const none: AuditDecision = { level: 'None', omitStages, omitManagedFields };
  const decisions = rules.map((rule): AuditDecision => {
    return {
      level: rule.level,
      omitStages: new Set([...omitStages, ...rule.omitStages]),
      omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
    };
  });
  return {
    decide(question) {
      const decision = decisions[rules.findIndex((rule) => matches(rule, question))] ?? none;
      return decision.level !== 'None' && isConfidential(question.target)
        ? { ...decision, level: 'Metadata' }
        : decision;
    },
  };
}

/** Everything at Metadata, once it is answered. */
export const defaultAuditPolicy: AuditPolicy = createPolicy(
  [
    {
      level: 'Metadata',
      users: [],
      userGroups: [],
      verbs: [],
      resources: [],
      namespaces: [],
      nonResourceURLs: [],
      omitStages: new Set(),
      omitManagedFields: undefined,
    },
  ],
  new Set(['RequestReceived']),
  false,
);

/** YAML or JSON of a Policy. */
export function parseAuditPolicy(text: string): AuditPolicyParsed {
  const parsed = parseYaml(Buffer.from(text));
  if (!parsed.ok) return { ok: false, problems: [parsed.error] };
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { ok: false, problems: ['it is no object'] };
  const problems = parsed.duplicates.map((path) => `${path} stands twice`);
  const reader = new FieldReader(value as JsonObject, '', problems);
  reader.oneOf('apiVersion', ['audit.k8s.io/v1'], 'audit.k8s.io/v1');
  reader.oneOf('kind', ['Policy'], 'Policy');
  reader.skip('metadata');
  const rules = reader.objects('rules', readRule);
  const policy = createPolicy(rules, reader.stages(), reader.truth('omitManagedFields') ?? false);
  reader.end();
  if (rules.length === 0) problems.push('rules are missing: nothing would be audited');
  rules.forEach((rule, index) => problems.push(...checkRule(rule, `rules[${index}]`)));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, policy };
}
