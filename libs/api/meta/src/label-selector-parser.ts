/** Reads label selectors of queries, `a=b,c in (d,e),!f`, and says what is wrong with others as upstream does. */
import { invalidField } from './field-error.js';
import {
  checkLabelRequirement,
  type LabelOperator,
  type LabelRequirement,
  type LabelSelector,
  sortedByKey,
} from './label-selector.js';
import { checkQualifiedName } from './names.js';
import type { Parsed } from './parsed.js';

type Token = { readonly kind: 'word' | 'symbol' | 'end'; readonly text: string };

const symbolPattern = /^(?:==|!=|=|!|\(|\)|,|>|<)/;
const wordPattern = /^[^ \t\r\n=!(),<>]+/;
const spacePattern = /^[ \t\r\n]+/;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let rest = text.replace(spacePattern, '');
  while (rest !== '') {
    const symbol = symbolPattern.exec(rest)?.[0];
    const token: Token =
      symbol === undefined ? { kind: 'word', text: wordPattern.exec(rest)![0] } : { kind: 'symbol', text: symbol };
    tokens.push(token);
    rest = rest.slice(token.text.length).replace(spacePattern, '');
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

class SelectorSyntaxError extends Error {
  readonly code = 'LABEL_SELECTOR_SYNTAX';
}

const operators: Readonly<Record<string, LabelOperator>> = {
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
  in: 'in',
  notin: 'notin',
};

/** A recursive-descent reader of `a=b,c in (d,e),!f`. */
function readRequirements(text: string): LabelRequirement[] {
  const tokens = tokenize(text);
  let at = 0;
  const peek = (): Token => tokens[Math.min(at, tokens.length - 1)]!;
  const take = (): Token => {
    const token = peek();
    at += 1;
    return token;
  };
  const isSymbol = (token: Token, symbol: string): boolean => token.kind === 'symbol' && token.text === symbol;
  const fail = (message: string): never => {
    throw new SelectorSyntaxError(message);
  };
  const unexpected = ({ text: found }: Token, expected: string): never =>
    fail(`found '${found}', expected: ${expected}`);
  const unparsable = (message: string): never => fail(`unable to parse requirement: ${message}`);
  const missing = ({ text: found }: Token, expected: string): never =>
    unparsable(`found '${found}', expected: ${expected}`);
  const endsRequirement = (token: Token): boolean => token.kind === 'end' || isSymbol(token, ',');

  /** `(b, c)`; what is empty between commas and parentheses is an empty value. */
  const readSet = (): string[] => {
    const open = take();
    if (!isSymbol(open, '(')) unparsable(`found '${open.text}' expected: '('`);
    if (isSymbol(peek(), ')')) {
      take();
      return [''];
    }
    if (peek().kind !== 'word' && !isSymbol(peek(), ',')) missing(peek(), "',', ')' or identifier");
    const values = new Set<string>();
    for (;;) {
      if (peek().kind === 'word') values.add(take().text);
      else if (isSymbol(peek(), ',') || isSymbol(peek(), ')')) values.add('');
      else missing(peek(), "',', or identifier");
      const next = take();
      if (isSymbol(next, ')')) return [...values].sort();
      if (!isSymbol(next, ',')) missing(next, "',' or ')'");
    }
  };

  const readKey = (): string => {
    const token = take();
    if (token.kind !== 'word') missing(token, 'identifier');
    const errors = checkQualifiedName(token.text);
    if (errors.length > 0) unparsable(`<nil>: ${invalidField('', token.text, errors.join('; ')).message}`);
    return token.text;
  };

  const readValue = (): string => {
    if (endsRequirement(peek())) return '';
    const value = take();
    if (value.kind !== 'word') missing(value, 'identifier');
    return value.text;
  };

  const readRequirement = (): LabelRequirement => {
    const negated = isSymbol(peek(), '!');
    if (negated) take();
    const key = readKey();
    if (negated) return { key, operator: '!', values: [] };
    if (endsRequirement(peek())) return { key, operator: 'exists', values: [] };
    const token = take();
    const operator = Object.hasOwn(operators, token.text) ? operators[token.text] : undefined;
    if (operator === undefined) return missing(token, 'in, notin, =, ==, !=, gt, lt');
    return { key, operator, values: operator === 'in' || operator === 'notin' ? readSet() : [readValue()] };
  };

  const requirements: LabelRequirement[] = [];
  while (peek().kind !== 'end') {
    if (peek().kind !== 'word' && !isSymbol(peek(), '!')) unexpected(peek(), "!, identifier, or 'end of string'");
    const requirement = readRequirement();
    const error = checkLabelRequirement(requirement);
    if (error !== undefined) unparsable(`${error.field}: ${error.message}`);
    requirements.push(requirement);
    const next = peek();
    if (next.kind === 'end') break;
    if (!isSymbol(next, ',')) unexpected(next, "',' or 'end of string'");
    take();
    const following = peek();
    if (following.kind !== 'word' && !isSymbol(following, '!')) unexpected(following, "identifier after ','");
  }
  return requirements;
}

/** Longer selectors are refused: they come from a URL. */
const selectorLengthMax = 256 * 1024;

/** Reads `a=b,c in (d,e),!f`. Requirements are sorted by key, as upstream shows them. */
export function parseLabelSelector(text: string): Parsed<LabelSelector> {
  if (text.length > selectorLengthMax) return { ok: false, error: 'selector is too long' };
  try {
    return { ok: true, value: { requirements: sortedByKey(readRequirements(text)) } };
  } catch (error) {
    if (!(error instanceof SelectorSyntaxError)) throw error;
    return { ok: false, error: error.message };
  }
}
