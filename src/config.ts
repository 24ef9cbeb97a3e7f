/** The configuration of `serve`: one frozen object, from flags and environment. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { LOG_FORMATS, LOG_LEVELS, type LogOptions } from './logger.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from './engine/kinds.ts';
import { formatPath } from './engine/path.ts';
import { SECRET_ACCESS, type SecretAccess } from './kube/secret.ts';
import { LONGEST_EXCLUDED_USER, MOST_EXCLUDED, quotedUser } from './policy/exemptions.ts';
import { DNS_LABEL, readWorkloadKinds } from './policy/workload-kinds.ts';
import type { WebhookAddress } from './controller/webhook-configuration.ts';
import { authoritiesOf } from './webhook/certificate-content.ts';
import { ClientTrust } from './webhook/client-certificates.ts';
import { CERTIFICATE_MODES, type CertificateMode } from './webhook/certificate-plan.ts';

export interface Config {
  /** File to load the client configuration from; undefined: as kubectl, or the pod's ServiceAccount. */
  readonly kubeconfig: string | undefined;
  readonly listen: { readonly host: string; readonly port: number };
  /** Where the API server finds us. */
  readonly address: WebhookAddress;
  /** The operator's own namespace. */
  readonly namespace: string;
  readonly tlsSecret: string;
  readonly certificate: CertificateMode;
  /** Whose certificates callers must show; undefined: none is asked for. */
  readonly clients: ClientTrust | undefined;
  readonly webhookConfiguration: string;
  readonly ownerClusterRole: string | undefined;
  /** Deployment that runs the operator; undefined: it is run in another way. */
  readonly deployment: string | undefined;
  /** Lease by which replicas agree who leads. */
  readonly lease: string;
  /** Name of this replica, such as its pod's. */
  readonly replica: string;
  readonly excludedNamespaces: readonly string[];
  readonly excludedUsers: readonly string[];
  readonly secretAccess: SecretAccess;
  /** Kinds that are judged: those of Kubernetes and those that the installation adds. */
  readonly workloadKinds: readonly WorkloadKind[];
  readonly log: LogOptions;
}

interface Flags {
  readonly kubeconfig?: string;
  readonly listen: Config['listen'];
  readonly service: string;
  readonly servicePort: number;
  readonly webhookUrl?: string;
  readonly namespace: string;
  readonly tlsSecretName: string;
  readonly certificate: CertificateMode;
  /** What it holds. */
  readonly clientCaFile?: string;
  readonly clientAllowedNames: string[];
  readonly webhookConfiguration: string;
  readonly ownerClusterRole?: string;
  readonly deployment?: string;
  readonly lease: string;
  readonly replica: string;
  readonly excludeNamespace: string[];
  readonly excludeUser: string[];
  readonly secretAccess: SecretAccess;
  readonly workloadKinds: readonly WorkloadKind[];
  readonly logLevel: LogOptions['level'];
  readonly logFormat: LogOptions['format'];
}

const NAMESPACE_NAME = new RegExp(DNS_LABEL);
const ENV = 'READINESS_OPERATOR_';

/** Declares the flags of `serve`; each can be given as an environment variable too. */
export function addServeOptions(command: Command): Command {
  const option = (flags: string, description: string): Option => {
    const made = new Option(flags, description);
    return made.env(ENV + made.name().replaceAll('-', '_').toUpperCase());
  };
  return command
    .addOption(option('--kubeconfig <file>', 'client configuration; default: as kubectl, or the pod itself'))
    .addOption(
      option('--listen <host:port>', 'address to listen on')
        .argParser(parseListen)
        .default({ host: '', port: 9443 }, ':9443'),
    )
    .addOption(option('--namespace <name>', "the operator's own namespace").default('readiness-operator'))
    .addOption(
      option('--service <name>', 'Service in that namespace by which the API server calls').default(
        'readiness-operator',
      ),
    )
    .addOption(option('--service-port <port>', 'port of that Service').argParser(parseServicePort).default(443))
    .addOption(
      option('--webhook-url <url>', 'call by this URL instead, for an operator outside the cluster').argParser(
        parseUrl,
      ),
    )
    .addOption(
      option('--tls-secret-name <name>', 'Secret that holds CA and certificate').default('readiness-operator-tls'),
    )
    .addOption(
      option(
        '--certificate <source>',
        'who keeps that Secret: the operator, or somebody else whose Secret is only read',
      )
        .choices(CERTIFICATE_MODES)
        .default('Managed'),
    )
    .addOption(
      option(
        '--client-ca-file <file>',
        'answer only callers with a certificate of these authorities (PEM), for API servers that are set up to show one',
      ).argParser(readAuthorities),
    )
    .addOption(
      option('--client-allowed-names <names>', 'common names that it may bear; default: any')
        .argParser((text, present: string[]) => [...present, ...namesIn(text)])
        .default([]),
    )
    .addOption(
      option('--webhook-configuration <name>', 'name of the webhook configuration').default('readiness-operator'),
    )
    .addOption(option('--owner-cluster-role <name>', 'ClusterRole with which the webhook configuration is to go'))
    .addOption(
      option(
        '--deployment <name>',
        'Deployment that runs the operator: once it is scaled to zero or gone, a replica that stops takes the webhooks away',
      ),
    )
    .addOption(option('--lease <name>', 'Lease by which replicas agree who leads').default('readiness-operator'))
    .addOption(option('--replica <name>', 'name of this replica in that Lease').default(hostname(), 'the host name'))
    .addOption(
      option('--exclude-namespace <names>', 'further namespaces never to judge')
        .argParser((text, present: string[]) => parseExcluded(text, present, parseNamespace))
        .default([]),
    )
    .addOption(
      option('--exclude-user <names>', 'further users whose requests always pass')
        .argParser((text, present: string[]) => parseExcluded(text, present, parseUser))
        .default([]),
    )
    .addOption(
      option(
        '--secret-access <access>',
        'how Secrets are looked up: a watch of all without values, one by one, or never',
      )
        .choices(SECRET_ACCESS)
        .default('Watch'),
    )
    .addOption(
      option('--workload-kinds <json>', 'custom kinds that hold a pod template, as a list (docs/workloads.md)')
        .argParser(parseWorkloadKinds)
        .default(WORKLOAD_KINDS, 'none'),
    )
    .addOption(option('--log-level <level>', 'what is logged').choices(LOG_LEVELS).default('info'))
    .addOption(option('--log-format <format>', 'how it is logged').choices(LOG_FORMATS).default('json'));
}

/** Makes the configuration of parsed flags. */
export function configOf(command: Command): Config {
  const flags = command.opts<Flags>();
  return Object.freeze({
    kubeconfig: flags.kubeconfig,
    listen: flags.listen,
    address:
      flags.webhookUrl === undefined
        ? { service: { namespace: flags.namespace, name: flags.service, port: flags.servicePort } }
        : { url: flags.webhookUrl },
    namespace: flags.namespace,
    tlsSecret: flags.tlsSecretName,
    certificate: flags.certificate,
    clients: clientTrustOf(flags, command),
    webhookConfiguration: flags.webhookConfiguration,
    ownerClusterRole: flags.ownerClusterRole,
    deployment: flags.deployment,
    lease: flags.lease,
    replica: flags.replica,
    excludedNamespaces: flags.excludeNamespace,
    excludedUsers: flags.excludeUser,
    secretAccess: flags.secretAccess,
    workloadKinds: flags.workloadKinds,
    log: { level: flags.logLevel, format: flags.logFormat },
  });
}

/** @throws CommanderError if names are given, and nothing that certificates could be checked against */
function clientTrustOf({ clientCaFile, clientAllowedNames }: Flags, command: Command): ClientTrust | undefined {
  if (clientCaFile !== undefined) return new ClientTrust(clientCaFile, clientAllowedNames);
  if (clientAllowedNames.length > 0) command.error('error: --client-allowed-names needs --client-ca-file');
  return undefined;
}

function readAuthorities(file: string): string {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
  if (authoritiesOf(pem).length === 0) throw new InvalidArgumentError(`${file} holds no PEM certificate`);
  return pem;
}

function parseListen(text: string): Config['listen'] {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, ''), port: parsePort(text.slice(colon + 1)) };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new InvalidArgumentError('not a port number');
  return port;
}

/*
 * These stand in every webhook entry: what the API server would refuse there is refused at the start, since otherwise no
 * policy could be enforced.
 */

function parseServicePort(text: string): number {
  const port = parsePort(text);
  if (port === 0) throw new InvalidArgumentError('must be a port from 1 to 65535');
  return port;
}

function namesIn(list: string): string[] {
  return list.split(',').filter(Boolean);
}

/** Adds the names of one occurrence of a flag to those of the ones before. */
function parseExcluded(text: string, present: readonly string[], parse: (name: string) => string): string[] {
  const names = [...present, ...namesIn(text).map(parse)];
  if (names.length > MOST_EXCLUDED) {
    throw new InvalidArgumentError(`${names.length} names; at most ${MOST_EXCLUDED} can be excluded`);
  }
  return names;
}

function parseUser(text: string): string {
  const length = quotedUser(text).length - 2;
  if (length > LONGEST_EXCLUDED_USER) {
    throw new InvalidArgumentError(`a name has ${length} characters; at most ${LONGEST_EXCLUDED_USER} are possible`);
  }
  return text;
}

function parseNamespace(text: string): string {
  if (text.length > 63 || !NAMESPACE_NAME.test(text)) {
    throw new InvalidArgumentError(`"${text}" is no name of a namespace; write one such as monitoring`);
  }
  return text;
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') throw new InvalidArgumentError('must be an https URL');
  if (url.username !== '' || url.password !== '' || /[?#]/.test(text)) {
    throw new InvalidArgumentError(
      'must be without user, query and fragment, such as https://operator.example.com:9443',
    );
  }
  return text.replace(/\/+$/, '');
}

function parseWorkloadKinds(text: string): readonly WorkloadKind[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('not JSON');
  }
  const read = readWorkloadKinds(value);
  if ('kinds' in read) return read.kinds;
  throw new InvalidArgumentError(
    read.problems.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('; '),
  );
}
