/**
 * Who lost the race for an object waits in line for the next try, so that of many writers each comes to its turn: the
 * first in line races only against those who come anew.
 */
import { timeout } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import type { Subject } from '@periplus/log/event-log';

export interface WaitingLines {
  /** Resolves when all who came before have left, with what is to be called to leave. Rejects with 504 at the deadline. */
  join(subject: Subject, deadline: number): Promise<() => void>;
}

export function createWaitingLines(time: Time): WaitingLines {
  /** A subject has a line while somebody's turn it is; in it are those behind. */
  const lines = new Map<Subject, (() => void)[]>();

  function leave(subject: Subject): void {
    const next = lines.get(subject)!.shift();
    if (next === undefined) lines.delete(subject);
    else next();
  }

  return {
    join(subject, deadline) {
      const line = lines.get(subject);
      if (line === undefined) {
        lines.set(subject, []);
        return Promise.resolve(() => leave(subject));
      }
      return new Promise((resolve, reject) => {
        const enter = (): void => {
          cancel();
          resolve(() => leave(subject));
        };
        const cancel = time.after(Math.max(0, deadline - time.monotonic()), () => {
          line.splice(line.indexOf(enter), 1);
          reject(timeout('too many others are writing the same object'));
        });
        line.push(enter);
      });
    },
  };
}
