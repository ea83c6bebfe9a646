/** The host's own packet rules for a node: masquerade what leaves the machine, and let the node through a closed firewall. */
import { CommandFailedError, CommandUnavailableError, runCommand } from './run-command.js';
import { linkPrefix, type NodeNames } from './node-names.js';

export interface MasqueradeRule {
  /** Where a packet must come from: the pods' range and the node's address. */
  readonly sources: readonly string[];
}

/** One table of our own: loaded and removed whole, in one transaction each. */
function renderMasqueradeTable(names: NodeNames, { sources }: MasqueradeRule): string {
  return `table ip ${names.table}
delete table ip ${names.table}
table ip ${names.table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr { ${sources.join(', ')} } oifname != "${linkPrefix}*" masquerade comment "${names.mark}"
  }
}
`;
}

function masqueradeRules(names: NodeNames, { sources }: MasqueradeRule): readonly (readonly string[])[] {
  return sources.map((source) => [
    ...['POSTROUTING', '--source', source, '!', '--out-interface', `${linkPrefix}+`],
    ...['-m', 'comment', '--comment', names.mark, '--jump', 'MASQUERADE'],
  ]);
}

function acceptRules(names: NodeNames): readonly (readonly string[])[] {
  const ending = ['-m', 'comment', '--comment', names.mark, '--jump', 'ACCEPT'];
  return [
    ['FORWARD', '--in-interface', names.hostLink, ...ending],
    ['FORWARD', '--out-interface', names.hostLink, ...ending],
    ['INPUT', '--in-interface', names.hostLink, ...ending],
  ];
}

function iptables(table: string, ...args: readonly string[]) {
  return runCommand(['iptables', '--wait', '10', '--table', table, ...args]);
}

/** False also when the machine has no such program, table or chain. */
async function succeeds(action: Promise<unknown>): Promise<boolean> {
  try {
    await action;
    return true;
  } catch (error) {
    if (error instanceof CommandFailedError || error instanceof CommandUnavailableError) return false;
    throw error;
  }
}

async function insertRule(table: string, rule: readonly string[]): Promise<void> {
  if (!(await succeeds(iptables(table, '--check', ...rule)))) await iptables(table, '--insert', ...rule);
}

async function deleteRule(table: string, rule: readonly string[]): Promise<void> {
  while (await succeeds(iptables(table, '--delete', ...rule)));
}

/** Docker and ufw set a policy of DROP; asking makes no table where there is none. */
async function dropsByDefault(chain: string): Promise<boolean> {
  try {
    const { stdout } = await iptables('filter', '--list-rules', chain);
    return stdout.startsWith(`-P ${chain} DROP`);
  } catch (error) {
    if (error instanceof CommandFailedError || error instanceof CommandUnavailableError) return false;
    throw error;
  }
}

/** By nftables, which leaves nothing behind; by iptables on a kernel or machine without it. */
export async function ensureHostRules(names: NodeNames, rule: MasqueradeRule): Promise<void> {
  const loaded = await succeeds(runCommand(['nft', '-f', '-'], { stdin: renderMasqueradeTable(names, rule) }));
  if (!loaded) for (const line of masqueradeRules(names, rule)) await insertRule('nat', line);
  for (const line of acceptRules(names)) {
    const [chain = ''] = line;
    if (await dropsByDefault(chain)) await insertRule('filter', line);
  }
}

export async function removeHostRules(names: NodeNames, rule: MasqueradeRule): Promise<void> {
  await succeeds(runCommand(['nft', 'delete', 'table', 'ip', names.table]));
  for (const line of masqueradeRules(names, rule)) await deleteRule('nat', line);
  for (const line of acceptRules(names)) await deleteRule('filter', line);
}
