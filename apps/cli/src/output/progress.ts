/** Says what a long command does: a line for each step with its seconds, or one JSON event a line. */
import pc from 'picocolors';

export type OutputFormat = 'text' | 'json';

export interface Progress {
  /** Runs one step and says how it went; steps may run side by side. What the work returns as a string is its detail. */
  step<Result>(title: string, work: (note: (message: string) => void) => Promise<Result> | Result): Promise<Result>;
  /** A line that is no step. */
  note(message: string): void;
  /** The end of a command: the text as it is, or the data as an event. */
  result(data: unknown, text: string): void;
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(1);
}

function createTextProgress(write: (line: string) => void): Progress {
  return {
    async step(title, work) {
      const startedAt = performance.now();
      try {
        const result = await work((message) => write(`  ${pc.dim(`${title}: ${message}`)}`));
        write(`${pc.green('✓')} ${title} ${pc.dim(`(${seconds(startedAt)} s)`)}`);
        return result;
      } catch (error) {
        write(`${pc.red('✗')} ${title} ${pc.dim(`(${seconds(startedAt)} s)`)}`);
        throw error;
      }
    },
    note: (message) => write(message),
    result: (_, text) => write(text),
  };
}

function createJsonProgress(write: (line: string) => void, source: string): Progress {
  let id = 0;
  const send = (type: string, data: unknown) => {
    id += 1;
    const time = new Date().toISOString();
    write(JSON.stringify({ specversion: '1.0', type: `periplus.${type}`, source, id: String(id), time, data }));
  };
  return {
    async step(name, work) {
      const startedAt = performance.now();
      send('step.started', { name });
      try {
        const result = await work((message) => send('step.note', { name, message }));
        send('step.done', { name, seconds: Number(seconds(startedAt)) });
        return result;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        send('step.failed', { name, seconds: Number(seconds(startedAt)), message });
        throw error;
      }
    },
    note: (message) => send('note', { message }),
    result: (data) => send('result', data),
  };
}

/** `command` names the source of the events. Writes to standard output. */
export function createProgress(format: OutputFormat, command: string): Progress {
  const write = (line: string) => {
    process.stdout.write(`${line}\n`);
  };
  return format === 'json' ? createJsonProgress(write, `periplus/${command}`) : createTextProgress(write);
}
