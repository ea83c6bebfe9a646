/** What is in each image: busybox, nginx under two tags, and pause. */
import { join } from 'node:path';
import { runCommand } from '@periplus/ops/processes';
import type { DebianArchives } from './debian-archives.js';
import { directory, type FileTree, file, readTree, symlink, type TreeEntry } from './file-tree.js';
import type { ImageConfig } from './image-layout-writer.js';
import { pauseProgram } from './pause-program.js';

export interface ImageRecipe {
  /** Full names: several when one image has several tags. */
  readonly names: readonly string[];
  readonly layers: readonly FileTree[];
  readonly config: ImageConfig;
}

const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const accounts: FileTree = new Map<string, TreeEntry>([
  [
    'etc/passwd',
    file(
      'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n',
    ),
  ],
  ['etc/group', file('root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n')],
  ['root', directory(0o700)],
  ['tmp', directory(0o1777)],
  ['run', directory()],
]);

/** busybox with a link for each of its commands. */
async function busyboxFiles(archives: DebianArchives): Promise<FileTree> {
  const folder = await archives.unpack('busybox-static');
  const files = readTree(folder, (name) => (/^(usr\/)?bin\/busybox$/.test(name) ? 'bin/busybox' : undefined));
  const location = [...readTree(folder, (name) => (/bin\/busybox$/.test(name) ? name : undefined)).keys()][0] ?? '';
  const commands = (await runCommand(join(folder, location), ['--list'])).toString().split('\n');
  for (const command of commands) {
    if (/^[a-z0-9[][a-z0-9[_.-]*$/.test(command) && command !== 'busybox')
      files.set(`bin/${command}`, symlink('busybox'));
  }
  return new Map([...accounts, ...files, ['usr/bin/env', symlink('/bin/busybox')]]);
}

/** /lib and /lib64 are links into /usr, wherever the packages of this release have their files. */
function libraryPath(name: string): string | undefined {
  if (!/\.so(\.[0-9.]+)?$/.test(name) || /\/(gconv|engines-|ossl-modules|audit)/.test(name)) return undefined;
  return name.startsWith('usr/') ? name : `usr/${name}`;
}

/** nginx as Debian has it, with the libraries that it is linked to. */
async function nginxFiles(archives: DebianArchives): Promise<FileTree> {
  const owner = await archives.findOwner(['nginx', 'nginx-light', 'nginx-core'], 'usr/sbin/nginx');
  const folders = await archives.unpackWithLibraries(owner, (dependency) => /^(lib(?!nginx)|zlib)/.test(dependency));
  const common = await archives.unpack('nginx-common');
  const tree = new Map<string, TreeEntry>([
    ['lib', symlink('usr/lib')],
    ['lib64', symlink('usr/lib64')],
    ...readTree(common, (name) => (/^etc\/nginx\/(mime\.types|[a-z]+_params)$/.test(name) ? name : undefined)),
  ]);
  for (const folder of folders) {
    for (const [name, entry] of readTree(folder, (path) => (path === 'usr/sbin/nginx' ? path : libraryPath(path)))) {
      tree.set(name, entry);
    }
  }
  for (const folder of ['var/lib/nginx', 'var/log/nginx', 'usr/share/nginx/html']) tree.set(folder, directory());
  return tree;
}

/** The server says which tag and which pod it is; everything else comes from the usual folder. */
const nginxConfig = (tag: string): string => `user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events {
  worker_connections 1024;
}
http {
  include /etc/nginx/mime.types;
  default_type text/plain;
  access_log /dev/stdout;
  server {
    listen 80 default_server;
    server_name _;
    root /usr/share/nginx/html;
    location = / {
      return 200 "nginx ${tag} pod $hostname\\n";
    }
  }
}
`;

const nginxTags = ['1.7.9', '1.9.1'];

function nginxRecipe(tag: string, base: readonly FileTree[]): ImageRecipe {
  return {
    names: [`docker.io/library/nginx:${tag}`, ...(tag === nginxTags.at(-1) ? ['docker.io/library/nginx:latest'] : [])],
    layers: [...base, new Map([['etc/nginx/nginx.conf', file(nginxConfig(tag))]])],
    config: {
      Env: [path, `NGINX_VERSION=${tag}`],
      Cmd: ['nginx', '-g', 'daemon off;'],
      ExposedPorts: { '80/tcp': {} },
      // By it nginx finishes what it has accepted.
      StopSignal: 'SIGQUIT',
    },
  };
}

export async function imageRecipes(archives: DebianArchives): Promise<readonly ImageRecipe[]> {
  const busybox = await busyboxFiles(archives);
  const nginx = await nginxFiles(archives);
  return [
    {
      names: ['docker.io/library/busybox:latest', 'docker.io/library/busybox:1.37'],
      layers: [busybox],
      config: { Env: [path], Cmd: ['sh'] },
    },
    ...nginxTags.map((tag) => nginxRecipe(tag, [busybox, nginx])),
    {
      names: ['registry.k8s.io/pause:3.9', 'registry.k8s.io/pause:3.10.1'],
      layers: [new Map([['pause', file(pauseProgram(), 0o755)]])],
      config: { Env: [path], Entrypoint: ['/pause'], WorkingDir: '/' },
    },
  ];
}
