/** What every step of the pipeline works with. */
import type { SchemaTable } from '@periplus/api/kinds';
import type { Random, Time } from '@periplus/base/clock';
import type { Admission } from '@periplus/server/admission';
import type { UserInfo } from '@periplus/server/authn';
import type { Authorizer, RbacAuthorizer } from '@periplus/server/authz';
import type { ServiceAllocator, Storage, WriteContext } from '@periplus/server/storage';
import type { ApiRequest } from './api-request.js';
import type { TokenIssuer, TokenReviewer } from '@periplus/server/authn';

export interface Pipeline {
  readonly table: SchemaTable;
  readonly storage: Storage;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly admission: Admission;
  readonly services: ServiceAllocator;
  /** Absent where no tokens are issued. */
  readonly tokens: TokenIssuer | undefined;
  readonly tokenReviewer: TokenReviewer | undefined;
  readonly time: Time;
  readonly random: Random;
}

function actorOf(user: UserInfo, userAgent: string): WriteContext['actor'] {
  return {
    user: user.name,
    groups: user.groups,
    userAgent,
    ...(user.impersonator === undefined ? {} : { impersonator: user.impersonator }),
    ...(user.uid === '' ? {} : { uid: user.uid }),
  };
}

export function writeContextOf(request: ApiRequest): WriteContext {
  const { context, options, target } = request;
  return {
    requestId: request.requestId,
    actor: actorOf(request.user, request.userAgent),
    changeId: context.changeId || request.requestId,
    ...(context.cause ? { cause: context.cause } : {}),
    ...(context.fence ? { fence: context.fence } : {}),
    ...(context.traceparent ? { traceparent: context.traceparent } : {}),
    ...(target.subresource === '' ? {} : { subresource: target.subresource }),
    dryRun: options.dryRun ?? false,
    ...(request.draft ? { draft: request.draft } : {}),
    deadline: request.deadline,
  };
}
