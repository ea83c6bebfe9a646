/** CronJobs over the fake client; their Jobs finish as a test says. Conformance rows by their numbers. */
import type { CronJob, CronJobSpec, Job } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import { nameOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { type ControllerHarness, createControllerHarness } from '../testing.js';
import { createCronJobController } from './controller.js';

const minutes = (count: number): number => count * 60_000;
const target = { ...resources.cronJobs, namespace: 'ns', name: 'c' };

async function start(
  spec: Partial<CronJobSpec>,
  options: { readonly takesMs?: number; readonly fails?: boolean } = {},
) {
  const harness = createControllerHarness({ epochMs: Date.UTC(2026, 0, 1, 0, 0, 30) });
  const { client, context, time } = harness;
  const made: Job[] = [];
  context.informers.jobs.addHandler({
    onAdd(job) {
      made.push(job);
      if (options.takesMs === undefined) return;
      time.after(options.takesMs, () => {
        const now = formatTime(time.now());
        const type = options.fails ? 'Failed' : 'Complete';
        const status = {
          startTime: now,
          conditions: [{ type, status: 'True', lastTransitionTime: now }],
          ...(options.fails ? {} : { completionTime: now }),
        };
        const place = { ...resources.jobs, namespace: 'ns', name: nameOf(job), subresource: 'status' };
        client.patch(place, 'merge', { status }).catch(() => undefined);
      });
    },
  });
  harness.start(createCronJobController(context));
  await harness.create(resources.cronJobs, {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'c', namespace: 'ns' },
    spec: {
      schedule: '* * * * *',
      concurrencyPolicy: 'Allow',
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: { spec: {} },
      ...spec,
    },
  } as CronJob);
  return {
    harness,
    made,
    cronJob: () => client.objects<CronJob>(resources.cronJobs)[0]!,
    jobs: () => client.objects<Job>(resources.jobs),
  };
}

const pass = (harness: ControllerHarness, durationMs: number): Promise<void> => harness.pass(durationMs, 500);

describe('a CronJob', () => {
  it('starts one Job a minute, named by the minute, and remembers so many', async () => {
    const { harness, made, cronJob, jobs } = await start({}, { takesMs: 5_000 });
    await pass(harness, minutes(6));
    const first = Date.UTC(2026, 0, 1, 0, 1) / 60_000;
    expect(made.map(nameOf)).toEqual([0, 1, 2, 3, 4, 5].map((nth) => `c-${first + nth}`));
    expect(made[0]?.metadata).toMatchObject({
      annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:01:00Z' },
      ownerReferences: [{ kind: 'CronJob', name: 'c', controller: true }],
    });
    expect(jobs().length).toBeLessThanOrEqual(4);
    expect(cronJob().status).toMatchObject({
      lastScheduleTime: '2026-01-01T00:06:00Z',
      lastSuccessfulTime: expect.any(String) as string,
    });
    expect(cronJob().status?.active).toBeUndefined();
    expect(harness.eventTexts()).toEqual(
      expect.arrayContaining([`SawCompletedJob Saw completed job: c-${first}, condition: Complete`]),
    );
  });

  it('(row 97) starts nothing while it is suspended', async () => {
    const { harness, made } = await start({ suspend: true });
    await pass(harness, minutes(5));
    expect(made).toEqual([]);
  });

  it('(row 98) with Forbid starts no second Job beside a running one', async () => {
    const { harness, made, cronJob } = await start({ concurrencyPolicy: 'Forbid' });
    await pass(harness, minutes(4));
    expect(made).toHaveLength(1);
    expect(cronJob().status?.active).toHaveLength(1);
    expect(harness.eventTexts().join()).toMatch(/JobAlreadyActive/);
  });

  it('(row 99) with Replace deletes the running Job and starts another', async () => {
    const { harness, made, jobs, cronJob } = await start({ concurrencyPolicy: 'Replace' });
    await pass(harness, minutes(3));
    expect(made).toHaveLength(3);
    expect(jobs().map(nameOf)).toEqual([nameOf(made[2]!)]);
    expect(cronJob().status?.active?.map(({ name }) => name)).toEqual([nameOf(made[2]!)]);
  });

  it('(row 100) with Allow has several at once', async () => {
    const { harness, jobs, cronJob } = await start({});
    await pass(harness, minutes(2));
    expect(jobs()).toHaveLength(2);
    expect(cronJob().status?.active).toHaveLength(2);
  });

  it('keeps few failed Jobs', async () => {
    const { harness, made, jobs } = await start({}, { takesMs: 1_000, fails: true });
    await pass(harness, minutes(4));
    expect(made).toHaveLength(4);
    expect(jobs()).toHaveLength(1);
  });

  it('forgets starts that it missed by more than its deadline', async () => {
    const { harness, made } = await start({ suspend: true, startingDeadlineSeconds: 10 });
    await pass(harness, minutes(2) + 15_000);
    await harness.client.patch(target, 'merge', { spec: { suspend: false } });
    await pass(harness, 5_000);
    expect(made).toEqual([]);
    await pass(harness, minutes(1));
    expect(made).toHaveLength(1);
  });

  it('makes up for the last start that it missed, without a deadline', async () => {
    const { harness, made } = await start({ suspend: true });
    await pass(harness, minutes(5));
    await harness.client.patch(target, 'merge', { spec: { suspend: false } });
    await pass(harness, 5_000);
    expect(made.map(nameOf)).toEqual([`c-${Date.UTC(2026, 0, 1, 0, 5) / 60_000}`]);
  });

  it('says that its schedule can not be read', async () => {
    const { harness, made } = await start({ schedule: '61 * * * *' });
    await pass(harness, minutes(2));
    expect(made).toEqual([]);
    expect(harness.eventTexts()).toEqual(['UnparseableSchedule unparseable schedule: "61 * * * *"']);
  });
});
