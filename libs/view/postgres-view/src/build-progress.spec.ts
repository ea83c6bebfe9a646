import { createVirtualTime } from '@periplus/base/clock';
import { createBuildMeter } from './build-progress.js';

describe('the progress of a building', () => {
  it('counts what is there and estimates what is left by the pace so far', () => {
    const time = createVirtualTime(0);
    const meter = createBuildMeter(time);
    meter.begin('objects', 0, 1_000);
    meter.begin('leases', 0, 0);
    expect(meter.progress()).toEqual({ revision: 0, of: 1_000 });
    time.advance(2_000);
    meter.reached('objects', 200);
    expect(meter.progress()).toEqual({ revision: 200, of: 1_000, remainingMs: 8_000 });
    meter.reached('objects', 1_200);
    expect(meter.progress()).toBeUndefined();
  });

  it('takes what an earlier round has built as there, and its time as gone', () => {
    const time = createVirtualTime(0);
    const meter = createBuildMeter(time);
    time.advance(60_000);
    meter.begin('objects', 500, 1_000);
    time.advance(1_000);
    meter.reached('objects', 750);
    expect(meter.progress()).toEqual({ revision: 750, of: 1_000, remainingMs: 1_000 });
  });

  it('says nothing of a building that is done before it begins', () => {
    const meter = createBuildMeter(createVirtualTime(0));
    meter.begin('objects', 7, 7);
    expect(meter.progress()).toBeUndefined();
  });
});
