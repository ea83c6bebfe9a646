/** Follows each request from its head to its end, and gives out an event for each stage that the policy wants. */
import type { Json, JsonObject, Status } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import { formatMicroTime, type Random, type Time } from '@periplus/base/clock';
import type { UserInfo } from '@periplus/server/authn';
import {
  auditLevels,
  type AuditDecision,
  type AuditPolicy,
  type AuditStage,
  type AuditTarget,
} from './audit-policy.js';

/** What a door knows of a request before it knows who asks. */
export interface AuditedHead {
  /** The client's own id for it, where it gave one. */
  readonly givenId: string | undefined;
  readonly uri: string;
  readonly userAgent: string;
  readonly sourceIps: readonly string[];
}

/** One request. Everything but `ended` may be left out or come too late: then it is not told. */
export interface AuditTrail {
  /** What is asked for. */
  asks(verb: string, target: AuditTarget): void;
  /** Who asks; undefined where that could not be found out. Gives the id to tell the client, when the request is audited. */
  asked(user: UserInfo | undefined): string | undefined;
  /** The object of the request; asked for only where the level wants it. */
  requested(object: () => Json | undefined): void;
  /** The answer of a request that goes on for long has begun. */
  started(code: number): void;
  /** The object of the answer; asked for only where the level wants it. */
  answered(object: () => Json | undefined, name?: string): void;
  refused(status: Status): void;
  /** No more bytes come. `code` is undefined where none was sent. */
  ended(code: number | undefined): void;
}

export interface Auditor {
  begin(head: AuditedHead): AuditTrail;
}

export interface AuditorOptions {
  readonly policy: AuditPolicy;
  /** Takes one line of JSON, without its end. */
  readonly write: (line: string) => void;
  readonly time: Time;
  readonly random: Random;
}

const idLengthMax = 64;
/** An event whose objects are longer goes without them. */
const objectsCharsMax = 1 << 20;

const nobody: UserInfo = { name: '', uid: '', groups: [], extra: new Map() };

function formatUser({ name, uid, groups, extra }: UserInfo): JsonObject {
  return {
    ...(name === '' ? {} : { username: name }),
    ...(uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups: [...groups] }),
    ...(extra.size === 0 ? {} : { extra: Object.fromEntries([...extra].map(([key, values]) => [key, [...values]])) }),
  };
}

function formatTarget(target: AuditTarget, answeredName: string): JsonObject | undefined {
  if (target.type === 'path') return undefined;
  const { group, version, resource, subresource, namespace } = target;
  const name = target.name || answeredName;
  return {
    resource,
    ...(namespace === '' ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { apiGroup: group }),
    apiVersion: version,
    ...(subresource === '' ? {} : { subresource }),
  };
}

/** Without the managed fields of the object, or of the items of a list. */
function withoutManagedFields(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { metadata, items, ...rest } = value as JsonObject;
  const trimmed = { ...rest } as JsonObject;
  if (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)) {
    const { managedFields: _, ...kept } = metadata as JsonObject;
    trimmed['metadata'] = kept;
  }
  if (Array.isArray(items)) trimmed['items'] = items.map(withoutManagedFields);
  return trimmed;
}

function newId(random: Random): string {
  const hex = Buffer.from(random.bytes(16)).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

const givenIdPattern = /^[\w.:-]+$/;

export function createAuditor(options: AuditorOptions): Auditor {
  const { policy, write, time, random } = options;

  return {
    begin(asked) {
      const receivedMs = time.now();
      const given = asked.givenId?.slice(0, idLengthMax) ?? '';
      const id = givenIdPattern.test(given) ? given : newId(random);
      let verb = '';
      let target: AuditTarget = { type: 'path', path: asked.uri.split('?')[0]! };
      let user: UserInfo = nobody;
      let decision: AuditDecision | undefined;
      let responseStatus: JsonObject | undefined;
      let requestObject: Json | undefined;
      let responseObject: Json | undefined;
      let answeredName = '';
      let hasEnded = false;

      const wants = (level: 'Request' | 'RequestResponse'): boolean =>
        decision !== undefined && auditLevels.indexOf(decision.level) >= auditLevels.indexOf(level);

      const objectOf = (object: () => Json | undefined): Json | undefined => {
        const value = object();
        return value !== undefined && decision?.omitManagedFields === true ? withoutManagedFields(value) : value;
      };

      function emit(stage: AuditStage): void {
        if (decision === undefined || decision.level === 'None' || decision.omitStages.has(stage)) return;
        const objectRef = formatTarget(target, answeredName);
        const impersonator = user.impersonatedBy;
        // As clients of upstream's logs are used to see them, in this order.
        const head = {
          kind: 'Event',
          apiVersion: 'audit.k8s.io/v1',
          level: decision.level,
          auditID: id,
          stage,
          requestURI: asked.uri,
          verb,
          user: formatUser(impersonator ?? user),
          ...(impersonator ? { impersonatedUser: formatUser(user) } : {}),
          sourceIPs: asked.sourceIps,
          ...(asked.userAgent === '' ? {} : { userAgent: asked.userAgent }),
          ...(objectRef ? { objectRef } : {}),
          ...(responseStatus ? { responseStatus } : {}),
        };
        const objects = [
          ...(requestObject === undefined ? [] : [`,"requestObject":${encodeJson(requestObject)}`]),
          ...(responseObject === undefined ? [] : [`,"responseObject":${encodeJson(responseObject)}`]),
        ].join('');
        const times = {
          requestReceivedTimestamp: formatMicroTime(receivedMs),
          stageTimestamp: formatMicroTime(time.now()),
        };
        const isTruncated = objects.length > objectsCharsMax;
        const tail = isTruncated ? { ...times, annotations: { 'audit.k8s.io/truncated': 'true' } } : times;
        write(`${JSON.stringify(head).slice(0, -1)}${isTruncated ? '' : objects},${JSON.stringify(tail).slice(1)}`);
      }

      function decide(by: UserInfo | undefined): void {
        user = by ?? nobody;
        const { name, groups } = user.impersonatedBy ?? user;
        decision = policy.decide({ user: name, groups, verb, target });
        emit('RequestReceived');
      }

      return {
        asks(wanted, of) {
          verb = wanted;
          target = of;
        },
        asked(by) {
          decide(by);
          return decision?.level === 'None' ? undefined : id;
        },
        requested(object) {
          if (wants('Request')) requestObject = objectOf(object);
        },
        started(code) {
          responseStatus = { metadata: {}, code };
          emit('ResponseStarted');
        },
        answered(object, name = '') {
          answeredName = name;
          if (wants('RequestResponse')) responseObject = objectOf(object);
        },
        refused(status) {
          const { metadata: _, kind: __, apiVersion: ___, ...rest } = status;
          responseStatus = { metadata: {}, ...(rest as unknown as JsonObject) };
          if (decision === undefined) decide(undefined);
          if (wants('RequestResponse')) responseObject = status as unknown as JsonObject;
        },
        ended(code) {
          if (hasEnded) return;
          hasEnded = true;
          if (decision === undefined) decide(undefined);
          if (responseStatus?.['status'] !== 'Failure')
            responseStatus = code === undefined ? undefined : { metadata: {}, code };
          emit('ResponseComplete');
        },
      };
    },
  };
}
