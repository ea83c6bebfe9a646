/** What a judge says: which rule was broken, how, and the few calls and entries that show it. */

/** The rules by their numbers and names; what each demands is said in docs/simulation.md. */
export type RuleName =
  | 'J1 kept'
  | 'J2 one line'
  | 'J3 linear'
  | 'J4 watch'
  | 'J5 no time travel'
  | 'J6 same everywhere'
  | 'J7 settled'
  | 'J8 clean';

export interface Violation {
  readonly rule: RuleName;
  /** One sentence. */
  readonly what: string;
  /** What led to it, in order of time, a line each. */
  readonly story: readonly string[];
}

export function violation(rule: RuleName, what: string, story: readonly string[] = []): Violation {
  return { rule, what, story };
}

/** The sentence, and below it the story. */
export function formatViolation({ rule, what, story }: Violation): string {
  return [`${rule}: ${what}`, ...story.map((line) => `    ${line}`)].join('\n');
}
