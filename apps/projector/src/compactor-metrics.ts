/** What the compactor tells Prometheus: what it has purged, and whether it comes to its end. */
import type { CompactorStats } from '@periplus/view/retention';
import { Gauge, type Registry } from 'prom-client';

/** All are read when they are asked for. */
export function registerCompactorMetrics(registry: Registry, stats: CompactorStats): void {
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  gauge(
    'periplus_compactor_purged_entries',
    'Entries that were purged from the log since the start.',
    () => stats.purgedEntries,
  );
  gauge(
    'periplus_compactor_destroyed_keys',
    'Keys of Secrets that were destroyed since the start.',
    () => stats.destroyedKeys,
  );
  gauge(
    'periplus_compactor_refuted_ends',
    'Times that the projection proposed what the log refuted, since the start: nothing was purged for it.',
    () => stats.refutedEnds,
  );
  gauge(
    'periplus_compactor_completed_timestamp_seconds',
    'When nothing more was left to purge; 0 before the first time.',
    () => stats.completedMs / 1_000,
  );
}
