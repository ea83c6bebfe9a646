/** What a command says, and with which code it ends, when it is interrupted by Ctrl-C or a signal. */
import { exitCodes } from '../output/command-error.js';

const signals = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;

/** Until the process ends. `describe` says what is left as it is, and how to go on. */
export function onInterruption(describe: () => readonly string[]): void {
  for (const [signal, code] of Object.entries(signals)) {
    process.once(signal, () => {
      process.stderr.write(`\nInterrupted.\n${describe().join('\n')}\n`);
      process.exit(code);
    });
  }
}
