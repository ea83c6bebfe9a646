/** Starts with what takes longest, so that no worker idles at the end: end to end, simulation, real servers, the rest. */
import sequencerModule from '@jest/test-sequencer';

const Sequencer = sequencerModule.default ?? sequencerModule;
const suffixes = ['.e2e.spec.ts', '.sim.spec.ts', '.int.spec.ts'];

function rank(path) {
  const index = suffixes.findIndex((suffix) => path.endsWith(suffix));
  return index === -1 ? suffixes.length : index;
}

export default class LongestFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((a, b) => rank(a.path) - rank(b.path));
  }
}
