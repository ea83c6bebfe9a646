/** The system user that Postgres runs as, since it refuses root. */
import { readFileSync } from 'node:fs';
import { runCommand } from '@periplus/ops/processes';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

function findUser(name: string): SystemUser | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** Finds the user, or makes it: without a home, a shell or a password. */
export async function ensureSystemUser(name = 'periplus'): Promise<SystemUser> {
  const existing = findUser(name);
  if (existing !== undefined) return existing;
  const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
  await runCommand('useradd', [...options, '--shell', '/usr/sbin/nologin', name]);
  const made = findUser(name);
  if (made === undefined) throw new Error(`useradd made no user ${name}`);
  return made;
}
