/** What every controller is given. */
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import type { EventRecorder } from '@periplus/client/reconcile';
import type { SharedInformers } from './shared-informers.js';

export interface ControllerContext {
  /** Its writes carry the leadership's fence. */
  readonly client: ApiClient;
  readonly informers: SharedInformers;
  /** The recorder that speaks for a component: `deployment-controller`. */
  events(component: string): EventRecorder;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
}
