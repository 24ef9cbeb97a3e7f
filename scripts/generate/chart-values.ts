/** The chart's values: this schema makes values.yaml, values.schema.json and the table in the chart's README. */
import { Type, type TSchema } from 'typebox';
import { LOG_FORMATS, LOG_LEVELS } from '../../src/logger.ts';
import { LONGEST_EXCLUDED_USER, MOST_EXCLUDED } from '../../src/policy/exemptions.ts';
import { CustomKindsSchema, DNS_LABEL } from '../../src/policy/workload-kinds.ts';

const oneOf = (values: readonly string[], fallback: string, description: string): TSchema =>
  Type.Unsafe({ type: 'string', enum: [...values], default: fallback, description });
const text = (fallback: string, description: string, more: object = {}): TSchema =>
  Type.String({ default: fallback, description, ...more });
const flag = (fallback: boolean, description: string): TSchema => Type.Boolean({ default: fallback, description });
const texts = (description: string, more: object = {}, bounds: object = {}): TSchema =>
  Type.Array(Type.String({ minLength: 1, ...more }), { ...bounds, default: [], description });
const excluded = (description: string, more: object = {}): TSchema =>
  texts(description, more, { maxItems: MOST_EXCLUDED });
/** A piece of a Kubernetes object that is passed on as it is; the API server knows its fields. */
const passedOn = (description: string, fallback: object = {}): TSchema =>
  Type.Unsafe({ type: Array.isArray(fallback) ? 'array' : 'object', default: fallback, description });
const group = (properties: Record<string, TSchema>, description: string, required: string[] = []): TSchema =>
  Type.Unsafe({
    type: 'object',
    additionalProperties: false,
    description,
    properties,
    ...(required.length > 0 ? { required } : {}),
  });

/** Every value with its default and a description for the person who installs. */
export const VALUES: TSchema = group(
  {
    image: group(
      {
        repository: text('', 'Required: where you pushed the image that you built (README, "Build the image").', {
          minLength: 1,
        }),
        tag: text('', "Default: the chart's appVersion."),
        pullPolicy: oneOf(['Always', 'IfNotPresent', 'Never'], 'IfNotPresent', 'As in a container.'),
      },
      'The image of the operator.',
      ['repository'],
    ),
    imagePullSecrets: passedOn('As in a pod.', []),
    replicas: Type.Integer({
      default: 2,
      minimum: 0,
      maximum: 9,
      description: 'Every replica answers, one reconciles. 0 takes the webhooks away and stops the operator.',
    }),
    excludedNamespaces: excluded('Namespaces that no policy concerns, beside the system namespaces and its own.', {
      maxLength: 63,
      pattern: DNS_LABEL,
    }),
    excludedUsers: excluded("User names whose requests always pass, beside those of Kubernetes' own controllers.", {
      maxLength: LONGEST_EXCLUDED_USER,
    }),
    workloadKinds: Type.Unsafe({
      ...CustomKindsSchema,
      default: [],
      description:
        'Custom kinds that hold a pod template (docs/workloads.md), such as {group: argoproj.io, version: v1alpha1, kind: Rollout, resource: rollouts, replicas: spec.replicas}.',
    }),
    rbac: group(
      {
        secrets: oneOf(
          ['Watch', 'Get', 'None'],
          'Watch',
          'How Secrets are looked up. Watch: all are listed without their values. Get: one by one, when a workload names them. None: never; what depends on them is Unknown.',
        ),
      },
      'Permissions.',
    ),
    certificate: group(
      {
        source: oneOf(
          ['Managed', 'Provided', 'CertManager'],
          'Managed',
          'Managed: the operator makes and renews its own. CertManager: cert-manager does, by a Certificate of this chart. Provided: you make the Secret, with tls.crt, tls.key and ca.crt. The last two are only read, and followed when they change.',
        ),
        secretName: text('readiness-operator-tls', 'The Secret that all replicas share.', { minLength: 1 }),
        issuerRef: passedOn(
          'With CertManager: the issuer, such as {name: internal, kind: ClusterIssuer}. Empty: a self-signed CA of its own.',
        ),
      },
      'The serving certificate of the webhook.',
    ),
    clientCertificates: group(
      {
        configMapName: text(
          '',
          'Answer only API servers that show a client certificate, signed by the authority under the key ca.crt of this ConfigMap. Set them up first (docs/operations/certificates.md). Empty: none is asked for.',
        ),
        allowedNames: texts('Common names that it may bear. Empty: any that the authority signed.'),
      },
      'Who may call the webhook.',
    ),
    crds: group(
      {
        install: flag(true, 'Install the CRDs with the release and upgrade them with it.'),
        keep: flag(true, 'Keep them, and so policies, exceptions and reports, when the release is uninstalled.'),
      },
      'CustomResourceDefinitions.',
    ),
    log: group(
      {
        level: oneOf(LOG_LEVELS, 'info', 'What is logged.'),
        format: oneOf(LOG_FORMATS, 'json', 'json for machines, text for people.'),
      },
      'The log.',
    ),
    port: Type.Integer({
      default: 9443,
      minimum: 1024,
      maximum: 65535,
      description:
        'Port of the pods. The API server must reach it: private control planes (GKE, EKS) need a firewall rule.',
    }),
    hostNetwork: flag(
      false,
      "Run in the nodes' network, where the API server can't reach pod addresses. Needs a namespace that allows it.",
    ),
    resources: passedOn(
      'As in a container. Measured: a replica is 85 to 95 MiB at rest, below 130 under 200 requests a second, each of which takes 1 to 1.5 ms of CPU.',
      {
        requests: { cpu: '100m', memory: '128Mi' },
        limits: { memory: '256Mi', 'ephemeral-storage': '64Mi' },
      },
    ),
    priorityClassName: text(
      '',
      'system-cluster-critical is a good choice where the cluster allows it outside of kube-system (GKE does not without a quota).',
    ),
    nodeSelector: passedOn('As in a pod.'),
    tolerations: passedOn('As in a pod.', []),
    affinity: passedOn('As in a pod.'),
    topologySpreadConstraints: passedOn('As in a pod. Empty: over hosts and zones, where there are several.', []),
    podLabels: passedOn('More labels for the pods.'),
    podAnnotations: passedOn('More annotations for the pods.'),
    podDisruptionBudget: group(
      { enabled: flag(true, 'At most one replica at a time is drained.') },
      'PodDisruptionBudget.',
    ),
    networkPolicy: group(
      {
        enabled: flag(true, 'Let in the webhook port alone, and out to the API server alone.'),
        apiServerPorts: Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), {
          default: [443, 6443],
          minItems: 1,
          description: 'Ports of the API server, before and behind its Service.',
        }),
      },
      'NetworkPolicy.',
    ),
    serviceMonitor: group(
      {
        enabled: flag(false, 'Needs the CRDs of the Prometheus operator.'),
        interval: text('30s', 'How often to scrape.'),
        labels: passedOn('By which your Prometheus selects it.'),
      },
      'ServiceMonitor.',
    ),
    prometheusRule: group(
      {
        enabled: flag(
          false,
          'Needs the CRDs of the Prometheus operator. The alerts are those of docs/operations/alerts.md.',
        ),
        labels: passedOn('By which your Prometheus selects it.'),
      },
      'PrometheusRule.',
    ),
    global: Type.Unsafe({ type: 'object', description: 'Set by parent charts; not read.' }),
  },
  'Values of the chart readiness-operator.',
  ['image'],
);

interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
}

/** values.yaml: defaults, each under its description. */
export function valuesYaml(yaml: (value: unknown) => string): string {
  const lines: string[] = [];
  const add = (node: Node, indent: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      if (name === 'global') continue;
      const isGroup = child.properties !== undefined && !('default' in child);
      if (indent === '' && lines.length > 0) lines.push('');
      if (!isGroup)
        lines.push(...wrapped(child.description ?? '', 116 - indent.length).map((line) => `${indent}# ${line}`));
      if (isGroup) {
        lines.push(`${indent}${name}:`);
        add(child, `${indent}  `);
      } else {
        const value = yaml({ [name]: child.default }).trimEnd();
        lines.push(...value.split('\n').map((line) => indent + line));
      }
    }
  };
  add(VALUES, '');
  return `${lines.join('\n')}\n`;
}

/** A row for each value: name, default, what it is. */
export function valuesTable(): string {
  const rows: string[] = [];
  const add = (node: Node, prefix: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      if (name === 'global') continue;
      if (child.properties !== undefined && !('default' in child)) add(child, `${prefix}${name}.`);
      else {
        const choices = child.enum === undefined ? '' : ` One of ${child.enum.join(', ')}.`;
        const fallback = JSON.stringify(child.default).replaceAll('|', '\\|');
        rows.push(`| \`${prefix}${name}\` | \`${fallback}\` | ${child.description ?? ''}${choices} |`);
      }
    }
  };
  add(VALUES, '');
  return ['| value | default | what it is |', '| --- | --- | --- |', ...rows].join('\n');
}

function wrapped(text_: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text_.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
