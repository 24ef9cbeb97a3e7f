import { Type } from 'typebox';
import { speaksFor } from '../engine/certificate.ts';
import { defineCheck, type CheckInput, type Outcome, type Report } from '../engine/check.ts';
import { companionsOf, podLabelsPath } from '../engine/companions.ts';
import { formatDuration, parseDuration } from '../engine/duration.ts';
import { hostsServed, tlsFor } from '../engine/ingress.ts';
import { makerOf } from '../engine/missing.ts';
import { Duration, Names } from '../engine/parameters.ts';
import { SECRET_MAKERS, type IngressFacts } from '../engine/related.ts';

const MIN_VALIDITY = '504h';

interface Parameters {
  /** Milliseconds. */
  readonly minValidity: number;
  readonly annotations: readonly string[];
}

export default defineCheck({
  name: 'ingressTls',
  title: 'Ingress TLS',
  metWhen:
    'Each host for which an Ingress sends to the pods has TLS: with a certificate in a Secret that covers the host and lasts for minValidity at least, or by its controller.',
  group: 'Around the workload',
  items: ['launch.prepare.ssl-certificates'],
  scope: 'companion',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Disabled' },
  appliesTo: 'LongRunning',
  reads: ['Service', 'Ingress', 'ServingCertificate', ...SECRET_MAKERS],
  parameters: Type.Object({
    minValidity: Duration(
      MIN_VALIDITY,
      'How long a certificate must last from now on, so that there is time to renew it.',
    ),
    annotations: Names(
      'Annotations, beside those that are known, with which the controller of an Ingress serves TLS without a Secret that it names.',
    ),
  }),
  rationale:
    'Without TLS everything that users send can be read on the way; a certificate that runs out, or is for another host, turns them away all at once.',
  remediation: 'give the Ingress a certificate for the host in spec.tls',
  source: 'https://kubernetes.io/docs/concepts/services-networking/ingress/#tls',
  prepare: ({ minValidity = MIN_VALIDITY, annotations = [] }): Parameters => ({
    minValidity: parseDuration(minValidity) ?? 0,
    annotations,
  }),
  run(input, report) {
    const { workload, related } = input;
    const services = companionsOf('Service', workload, related);
    if (services.state === 'unknown') {
      report({ type: 'unknown', cause: `whether a Service selects the pods: ${services.cause}` });
      return;
    }
    const ingresses = new Map<string, IngressFacts>();
    for (const { name } of services.values) {
      const answer = related.find('Ingress', workload.namespace, name);
      if (answer.state === 'unknown') {
        report({ type: 'unknown', cause: `whether an Ingress sends to Service ${name}: ${answer.cause}` });
        return;
      }
      for (const ingress of answer.state === 'found' ? answer.values : []) ingresses.set(ingress.name, ingress);
    }
    if (ingresses.size === 0) {
      report({ type: 'notApplicable', reason: 'no Ingress sends to these pods' });
      return;
    }
    const ours = new Set(services.values.map(({ name }) => name));
    for (const ingress of [...ingresses.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      judgeIngress(ingress, ours, input, report);
    }
  },
});

function judgeIngress(
  ingress: IngressFacts,
  services: ReadonlySet<string>,
  input: CheckInput<Parameters>,
  report: Report,
): void {
  const { name } = ingress;
  const by = ingress.tlsBy ?? input.parameters.annotations.find((one) => ingress.annotations.includes(one));
  if (by !== undefined) {
    report({ type: 'note', text: `Ingress ${name} has TLS by ${by}, whose certificates are not looked at` });
    return;
  }
  const path = podLabelsPath(input.workload);
  /** The hosts by the Secret that holds their certificate. */
  const bySecret = new Map<string, string[]>();
  let ownOfController = false;
  for (const host of hostsServed(ingress, services)) {
    const tls = tlsFor(ingress, host);
    if (tls === undefined) {
      report({
        type: 'unmet',
        path,
        message: `Ingress ${name} serves ${host ?? 'every host'} without TLS`,
        remediation: `add ${host ?? 'the hosts'} to spec.tls of Ingress ${name}, with the Secret of its certificate`,
      });
    } else if (tls.secret === undefined) ownOfController = true;
    else bySecret.set(tls.secret, [...(bySecret.get(tls.secret) ?? []), ...(host === undefined ? [] : [host])]);
  }
  if (ownOfController) {
    report({ type: 'note', text: `Ingress ${name} uses a certificate of its controller, which is not looked at` });
  }
  for (const [secret, hosts] of bySecret) judgeSecret(secret, hosts, ingress, input, report);
}

function judgeSecret(
  secret: string,
  hosts: readonly string[],
  ingress: IngressFacts,
  { workload, related, parameters: { minValidity }, now }: CheckInput<Parameters>,
  report: Report,
): void {
  const unmet = (message: string, remediation: string): Outcome => ({
    type: 'unmet',
    path: podLabelsPath(workload),
    message,
    remediation,
  });
  const of = `of Ingress ${ingress.name}`;
  const answer = related.find('ServingCertificate', workload.namespace, secret);
  if (answer.state === 'unknown') {
    report({ type: 'unknown', cause: `the certificate ${of} in Secret ${secret}: ${answer.cause}` });
    return;
  }
  if (answer.state === 'absent') {
    if (ingress.issued) {
      report({ type: 'note', text: `Secret ${secret} will be made by cert-manager for Ingress ${ingress.name}` });
    } else {
      const missing = unmet(`Secret ${secret} ${of} does not exist`, `create Secret ${secret} with its certificate`);
      report(makerOf(related, workload.namespace, secret) ?? missing);
    }
    return;
  }
  const certificate = answer.values[0]?.certificate;
  if (certificate === undefined) {
    report(unmet(`Secret ${secret} ${of} holds no certificate`, `put it into tls.crt of Secret ${secret}`));
    return;
  }
  for (const host of hosts) {
    if (certificate.hosts.some((name) => speaksFor(name, host))) continue;
    report(
      unmet(
        `the certificate in Secret ${secret} ${of} is not for ${host}`,
        `renew it with ${host} among its DNS names`,
      ),
    );
  }
  const ends = certificate.notAfter;
  const date = new Date(ends).toISOString().slice(0, 10);
  if (ends <= now) {
    report(unmet(`the certificate in Secret ${secret} ${of} ran out on ${date}`, 'renew it'));
  } else if (ends - now < minValidity) {
    report(
      unmet(
        `the certificate in Secret ${secret} ${of} runs out on ${date}, in less than ${formatDuration(minValidity)}`,
        'renew it',
      ),
    );
    report({ type: 'until', at: ends });
  } else report({ type: 'until', at: ends - minValidity });
}
