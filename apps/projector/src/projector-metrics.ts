/** What the projector tells Prometheus: where it is, and what it had to set aside. */
import type { EventLog } from '@periplus/log/event-log';
import { streamNames } from '@periplus/log/object-events';
import type { Projector } from '@periplus/view/postgres-view';
import { Gauge, type Registry } from 'prom-client';

/** All are read when they are asked for. */
export function registerProjectorMetrics(
  registry: Registry,
  projector: Projector,
  log: Pick<EventLog, 'observedRevision'>,
): void {
  const registers = [registry];
  new Gauge({
    name: 'periplus_projector_revision',
    help: 'The last revision of each stream that is in Postgres.',
    labelNames: ['stream'],
    registers,
    collect() {
      for (const stream of streamNames) this.set({ stream }, projector.position(stream));
    },
  });
  new Gauge({
    name: 'periplus_log_revision',
    help: 'The last revision of each stream; absent while the log does not answer.',
    labelNames: ['stream'],
    registers,
    async collect() {
      this.reset();
      for (const stream of streamNames) {
        const last = await log.observedRevision(stream).catch(() => undefined);
        if (last !== undefined) this.set({ stream }, last);
      }
    },
  });
  new Gauge({
    name: 'periplus_projector_quarantined_entries',
    help: 'Unreadable entries that were set aside since the start.',
    registers,
    collect() {
      this.set(projector.quarantined);
    },
  });
  new Gauge({
    name: 'periplus_projector_build_remaining_revisions',
    help: 'Revisions that the projection, which is being built, has not got yet; 0 when it is built.',
    registers,
    collect() {
      const { building } = projector;
      this.set(building === undefined ? 0 : building.of - building.revision);
    },
  });
  new Gauge({
    name: 'periplus_projector_build_remaining_seconds',
    help: 'How long the building will still take, by its pace so far; absent while nothing is known of it.',
    registers,
    collect() {
      const { building } = projector;
      if (building !== undefined && building.remainingMs === undefined) this.remove();
      else this.set((building?.remainingMs ?? 0) / 1_000);
    },
  });
}
