/** The command line: verbs, options, help with examples. Each command's code is loaded only when it is run. */
import { nearestWord, parseDuration } from '@periplus/base/config';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from './cluster/context.js';
import type { ApplyOptions } from './commands/apply.js';
import type { BackupOptions } from './commands/backup.js';
import type { GetOptions } from './commands/get.js';
import type { HistoryOptions } from './commands/history.js';
import type { KubeconfigOptions } from './commands/kubeconfig.js';
import type { LogsOptions } from './commands/logs.js';
import type { RestoreOptions } from './commands/restore.js';
import type { UpOptions } from './commands/up.js';
import { exitCodeMeanings, usageError } from './output/command-error.js';
import type { OutputFormat } from './output/progress.js';

const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ ./periplus ${line}`).join('\n')}\n`;

function duration(text: string): number {
  const value = parseDuration(text);
  if (value === undefined) throw new InvalidArgumentError('Write it as 30s, 5m or 1h.');
  return value;
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** Times in the past as people write them; a date alone is its beginning, in UTC. */
function pointInTime(text: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
}

const collect = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value];

const nameOption = () => new Option('--name <name>', 'which cluster').default('default').env('PERIPLUS_NAME');
const outputOption = () =>
  new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text');

const listOption = (flag: string, help: string) =>
  new Option(flag, help).argParser((text) => text.split(',').map((name) => name.trim()));

interface Common {
  readonly name: string;
  readonly output: OutputFormat;
}

function addLifeCycle(program: Command, context: CommandContext): void {
  program
    .command('up')
    .summary('start a cluster, and what the manifests describe')
    .description('Does all the set-up, starts every service, applies the manifests and waits until they are available.')
    .argument('[manifest...]', 'files or folders; - is standard input')
    .addOption(nameOption())
    .addOption(outputOption())
    .option('--offline-images', 'make busybox, nginx and pause here and serve them from a registry on loopback', false)
    .addOption(
      new Option('--only <service>', 'the API on its own, without controllers, scheduler and nodes').choices([
        'apiserver',
      ]),
    )
    .addOption(listOption('--enable-admission-plugins <names>', 'with --only: plugins of the apiserver to switch on'))
    .addOption(
      listOption('--disable-admission-plugins <names>', 'with --only: those to switch off, besides ServiceAccount'),
    )
    .addOption(listOption('--feature-gates <names>', 'with --only: features, as CBORServingAndStorage=true'))
    .option('--no-wait', 'do not wait until services and manifests are ready')
    .addOption(new Option('--timeout <duration>', 'how long to wait').argParser(duration).default(300_000, '5m'))
    .addHelpText(
      'after',
      examples(
        'up',
        'up examples/nginx-deployment.yaml',
        'up --name dev --offline-images',
        'up --only apiserver --name api',
      ),
    )
    .action(async (files: string[], options: Omit<UpOptions, 'timeoutMs'> & { timeout: number }) => {
      const { up } = await import('./commands/up.js');
      await up(context, files, { ...options, timeoutMs: options.timeout });
    });
  program
    .command('down')
    .summary('stop a cluster')
    .description('Ends every process, mount, namespace, rule and interface of the cluster. Its state is kept.')
    .addOption(nameOption())
    .addOption(outputOption())
    .option('--purge', 'also forget its state and its kubeconfig context', false)
    .addHelpText('after', examples('down', 'down --purge', 'down --name dev --purge'))
    .action(async (options: Common & { purge: boolean }) => {
      const { down } = await import('./commands/down.js');
      await down(context, options);
    });
  program
    .command('status')
    .summary('show the services of a cluster')
    .description('Shows each service with its process, version, health and memory.')
    .addOption(nameOption())
    .addOption(outputOption())
    .addHelpText('after', examples('status', 'status -o json'))
    .action(async (options: Common) => {
      const { status } = await import('./commands/status.js');
      await status(options);
    });
  program
    .command('logs')
    .summary('show what a service wrote')
    .description(
      'Shows the log of a service: apiserver, projector, scheduler, controller-manager, kubelet, proxy, nats, postgres, containerd or supervisor.',
    )
    .argument('<service>', 'as `status` names it')
    .addOption(nameOption())
    .addOption(outputOption())
    .option('-f, --follow', 'go on with what is added', false)
    .addOption(new Option('--tail <lines>', 'how many lines from the end').argParser(count).default(200))
    .addHelpText('after', examples('logs apiserver', 'logs kubelet -f --tail 20', 'logs nats -o json'))
    .action(async (service: string, options: LogsOptions) => {
      const { logs } = await import('./commands/logs.js');
      await logs(service, options);
    });
  program
    .command('verify')
    .summary('check the log, and all that is made of it')
    .description(
      'Reads the log from end to end – checksums, parents, transactions, keys – and compares Postgres and the apiserver with it. Says what does not agree, and fails then.',
    )
    .addOption(nameOption())
    .addOption(outputOption())
    .addHelpText('after', examples('verify', 'verify -o json'))
    .action(async (options: Common) => {
      const { verify } = await import('./commands/verify.js');
      await verify(context, options);
    });
  program
    .command('kubeconfig')
    .summary('print a kubeconfig')
    .description("Prints a kubeconfig of the cluster's administrator.")
    .addOption(nameOption())
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', examples('kubeconfig', 'kubeconfig --name dev > dev.yaml'))
    .action(async (options: KubeconfigOptions) => {
      const { kubeconfig } = await import('./commands/kubeconfig.js');
      kubeconfig(options);
    });
  program
    .command('image')
    .summary('put images on the node')
    .description('Works with the images on the node.')
    .addHelpText('after', examples('image load web.tar', 'image load - < web.tar'))
    .command('load')
    .summary('load an archive')
    .description('Loads the images of a tar archive (as made by docker save, or an OCI layout) onto the node.')
    .argument('<tar>', 'a file, or - for standard input')
    .addOption(nameOption())
    .addOption(outputOption())
    .addHelpText('after', examples('image load web.tar', 'image load - < web.tar'))
    .action(async (source: string, options: Common) => {
      const { imageLoad } = await import('./commands/image-load.js');
      await imageLoad(source, options);
    });
}

function addBackups(program: Command, context: CommandContext): void {
  program
    .command('backup')
    .summary('save all that a cluster was and is')
    .description(
      'Saves the log of a running cluster in FILE: all of it, and the next time what is new since. The keys of Secrets go into FILE.keys. May be interrupted, or killed: the file keeps what its last whole back-up had.',
    )
    .argument('<file>', 'where to; made when it is not there')
    .addOption(nameOption())
    .addOption(outputOption())
    .option('--full', 'begin the file anew', false)
    .option('--check', 'only read the file, and say what it restores', false)
    .addHelpText(
      'after',
      examples(
        'backup /backup/default.periplus',
        'backup --check /backup/default.periplus',
        'backup --full today -o json',
      ),
    )
    .action(async (file: string, options: BackupOptions) => {
      const { backup } = await import('./commands/backup.js');
      await backup(context, file, options);
    });
  program
    .command('restore')
    .summary('make a cluster from a back-up')
    .description(
      'Makes a new cluster with the history of a back-up, up to a moment, and starts it. resourceVersions go on above all that the old one gave out, so clients list anew. May be interrupted, or killed: run it again.',
    )
    .argument('<file>', 'what `backup` made; FILE.keys beside it brings Secrets back')
    .option('--to <when>', 'up to 2h ago, 2026-01-31T12:00:00Z, or a resourceVersion of then', pointInTime)
    .addOption(new Option('--name <name>', 'what to call it (default: what it was called)').env('PERIPLUS_NAME'))
    .addOption(outputOption())
    .option('--offline-images', 'make busybox, nginx and pause here and serve them from a registry on loopback', false)
    .option('--no-wait', 'do not wait until the node is ready')
    .addOption(new Option('--timeout <duration>', 'how long to wait').argParser(duration).default(300_000, '5m'))
    .addHelpText(
      'after',
      examples(
        'restore /backup/default.periplus',
        'restore /backup/default.periplus --to 2h',
        'restore /backup/default.periplus --to 2026-01-31T12:00:00Z --name before',
      ),
    )
    .action(async (file: string, options: Omit<RestoreOptions, 'timeoutMs'> & { timeout: number }) => {
      const { restore } = await import('./commands/restore.js');
      await restore(context, file, { ...options, timeoutMs: options.timeout });
    });
}

function addObjects(program: Command): void {
  const namespaceOption = () => new Option('-n, --namespace <namespace>', 'which namespace').default('default');
  program
    .command('get')
    .summary('show objects, as they are or were')
    .description(
      'Shows objects. With --at as they were: a duration back, a time, or a resourceVersion; also objects that are gone.',
    )
    .argument('<kind>', 'such as pods, deploy, deploy/web, deploy,pods, or all')
    .argument('[name]', 'all when absent')
    .addOption(nameOption())
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'of all namespaces', false)
    .option('-l, --selector <selector>', 'with these labels')
    .addOption(
      new Option('--at <when>', 'as of 5m ago, 2026-01-31, 2026-01-31T12:00:00Z, or a resourceVersion').argParser(
        pointInTime,
      ),
    )
    .addOption(
      new Option('-o, --output <format>', 'how to print; table, but yaml for one object of the past').choices([
        'table',
        'wide',
        'yaml',
        'json',
        'name',
      ]),
    )
    .addHelpText(
      'after',
      examples(
        'get pods',
        'get deploy/nginx-deployment -o yaml',
        'get deploy/nginx-deployment --at 5m',
        'get deploy,pods -l app=nginx --at 2026-01-31',
        'get all -A -o wide',
      ),
    )
    .action(async (kind: string, object: string | undefined, options: GetOptions) => {
      const { get } = await import('./commands/get.js');
      await get(kind, object, options);
    });
  program
    .command('history')
    .summary('show how an object changed')
    .description(
      'Lists the revisions of an object, the newest first: when, who, and which fields; also of one that is gone.',
    )
    .argument('<kind>', 'such as deploy/web')
    .argument('[name]', 'unless it is in the first argument')
    .addOption(nameOption())
    .addOption(namespaceOption())
    .option('--spec', 'only changes of more than the status, which controllers report', false)
    .option('--by <user>', "only changes by this user; * stands for anything, as in 'system:*'")
    .addOption(new Option('--limit <number>', 'how many revisions').argParser(count).default(100))
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'history deploy/nginx-deployment',
        'history deploy/nginx-deployment --spec',
        'history deploy/nginx-deployment --by periplus-admin',
        'history configmap settings -n web -o json',
      ),
    )
    .action(async (kind: string, object: string | undefined, options: HistoryOptions) => {
      const { history } = await import('./commands/history.js');
      await history(kind, object, options);
    });
  program
    .command('apply')
    .summary('make objects what manifests say')
    .description('Creates or changes the objects of the manifests, by server-side apply.')
    .argument('<manifest...>', 'files or folders; - is standard input')
    .addOption(nameOption())
    .addOption(namespaceOption())
    .addOption(outputOption())
    .option('--atomic', 'all of them in one moment of the log, or none', false)
    .option('--wait', 'wait until they are ready', false)
    .addOption(new Option('--timeout <duration>', 'how long to wait').argParser(duration).default(300_000, '5m'))
    .addHelpText(
      'after',
      examples('apply examples/nginx-deployment.yaml', 'apply --atomic --wait web/', 'apply - < web.yaml'),
    )
    .action(async (files: string[], options: Omit<ApplyOptions, 'timeoutMs'> & { timeout: number }) => {
      const { apply } = await import('./commands/apply.js');
      await apply(files, { ...options, timeoutMs: options.timeout });
    });
}

/** Started by `up`; not for people. */
function addInternal(program: Command, context: CommandContext): void {
  program
    .command('supervise', { hidden: true })
    .description('Runs the supervisor of a cluster.')
    .addOption(nameOption())
    .action(async (options: { name: string }) => {
      const { supervise } = await import('./commands/supervise.js');
      await supervise(context, options.name);
    });
  program
    .command('registry', { hidden: true })
    .description('Serves images of an OCI layout.')
    .requiredOption('--images <folder>', 'the layout')
    .option('--listen <address>', 'an IPv4 address with a port; may be repeated', collect, [])
    .action(async (options: { images: string; listen: readonly string[] }) => {
      const { registry } = await import('./commands/registry.js');
      await registry(options.images, options.listen);
    });
}

function formatExitCodes(): string {
  return exitCodeMeanings.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n');
}

/** Fails for a verb that there is none of; asked for help with one, commander would show that of all. */
export function requireKnownVerb(program: Command, argv: readonly string[]): void {
  const [first, second] = argv;
  const verbs = (parent: Command) =>
    parent
      .createHelp()
      .visibleCommands(parent)
      .map((command) => command.name());
  const parent = program.commands.find((command) => command.name() === first && command.commands.length > 0);
  const [known, word] = parent === undefined ? [program, first] : [parent, second];
  if (word === undefined || word.startsWith('-')) return;
  if (word === 'help' || known.commands.some((command) => command.name() === word)) return;
  const names = verbs(known).filter((verb) => verb !== 'help');
  const nearest = nearestWord(word, names);
  throw usageError(
    `unknown command '${parent === undefined ? '' : `${first} `}${word}'${nearest === undefined ? '' : ` (Did you mean ${nearest}?)`}`,
    `Commands: ${names.join(', ')}. Run with --help for usage and examples.`,
  );
}

export function createProgram(context: CommandContext, version: string): Command {
  const program = new Command('periplus')
    .description('A Kubernetes you can rewind.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .showSuggestionAfterError()
    .showHelpAfterError('Run with --help for usage and examples.')
    .exitOverride()
    .addHelpText(
      'after',
      examples('up examples/nginx-deployment.yaml', 'status', 'get pods', 'history deploy/nginx-deployment', 'down'),
    )
    .addHelpText('after', `Exit codes:\n${formatExitCodes()}\n`);
  addLifeCycle(program, context);
  addBackups(program, context);
  addObjects(program);
  addInternal(program, context);
  return program;
}
