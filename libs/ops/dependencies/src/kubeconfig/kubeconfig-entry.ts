/** A kubeconfig's entries for one cluster, and how they are put into, and taken out of, a kubeconfig. Pure. */
import { type Document, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';

/** All three entries have one name. */
export interface KubeconfigEntry {
  readonly contextName: string;
  readonly server: string;
  /** PEM. */
  readonly authorityCertificate: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
}

export class KubeconfigError extends Error {
  readonly code = 'KubeconfigInvalid';
}

const lists = ['clusters', 'contexts', 'users'] as const;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function entriesOf(entry: KubeconfigEntry): Readonly<Record<(typeof lists)[number], unknown>> {
  const name = entry.contextName;
  return {
    clusters: {
      name,
      cluster: { server: entry.server, 'certificate-authority-data': base64(entry.authorityCertificate) },
    },
    contexts: { name, context: { cluster: name, user: name } },
    users: {
      name,
      user: {
        'client-certificate-data': base64(entry.clientCertificate),
        'client-key-data': base64(entry.clientKey),
      },
    },
  };
}

/** Throws `KubeconfigError` for what is no kubeconfig, rather than overwriting it. */
function parse(text: string): Document {
  const document = parseDocument(text.trim() === '' ? 'apiVersion: v1\nkind: Config\n' : text);
  const [error] = document.errors;
  if (error) throw new KubeconfigError(error.message);
  const content: unknown = document.toJS();
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new KubeconfigError('it is not a mapping');
  }
  return document;
}

function indexOfName(document: Document, list: string, name: string): number {
  const sequence = document.get(list) as YAMLSeq<YAMLMap> | undefined | null;
  return sequence?.items?.findIndex((item) => item.get('name') === name) ?? -1;
}

/** Everything else, comments too, stays as it is; the current context becomes this one. Unchanged text if nothing differs. */
export function mergeKubeconfig(text: string, entry: KubeconfigEntry): string {
  const document = parse(text);
  const before = JSON.stringify(document.toJS());
  for (const list of lists) {
    if (!document.get(list)) document.set(list, document.createNode([]));
    const item = document.createNode(entriesOf(entry)[list]);
    const index = indexOfName(document, list, entry.contextName);
    if (index === -1) document.addIn([list], item);
    else document.setIn([list, index], item);
  }
  document.set('current-context', entry.contextName);
  return JSON.stringify(document.toJS()) === before ? text : document.toString();
}

/** Takes the entries of a context out again; the current context is emptied if it was this one. */
export function removeFromKubeconfig(text: string, contextName: string): string {
  const document = parse(text);
  let changed = false;
  for (const list of lists) {
    const index = indexOfName(document, list, contextName);
    if (index === -1) continue;
    document.deleteIn([list, index]);
    changed = true;
  }
  if (document.get('current-context') === contextName) {
    document.set('current-context', '');
    changed = true;
  }
  return changed ? document.toString() : text;
}

/** A kubeconfig of these entries alone. */
export function formatKubeconfig(entry: KubeconfigEntry): string {
  return mergeKubeconfig('', entry);
}
