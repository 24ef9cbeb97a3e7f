import type { Outcome, CheckInput, Report } from './check.ts';
import {
  SECRET_MAKERS,
  type Answer,
  type ConfigMapFacts,
  type Related,
  type SecretFacts,
  type SecretKeysFacts,
} from './related.ts';
import type { Reference } from './references.ts';

/** Types of Secret from which the kubelet takes credentials for pulling images. */
const PULL_TYPES = ['kubernetes.io/dockerconfigjson', 'kubernetes.io/dockercfg'];

export interface ReferenceParameters {
  readonly whenMissing: 'Unmet' | 'Wait';
  readonly keys: boolean;
}

/**
 * Judges one reference to a Secret or ConfigMap: it exists, holds the keys, and has a type that fits.
 *
 * A Secret that another object of the namespace is going to make counts as there.
 *
 * @param via - how the workload comes to the reference, for messages; empty if it names it itself
 */
export function judgeReference(
  reference: Reference,
  { workload, related }: Pick<CheckInput<unknown>, 'workload' | 'related'>,
  { whenMissing, keys }: ReferenceParameters,
  report: Report,
  via = '',
): void {
  const { kind, name, path, container } = reference;
  const unmet = (message: string, remediation: string, waits: boolean): Outcome => ({
    type: 'unmet',
    path,
    message: via + message,
    remediation,
    ...(container === undefined ? {} : { container }),
    ...(waits ? { waits: true } : {}),
  });

  const answer: Answer<SecretFacts | ConfigMapFacts> = related.find(kind, workload.namespace, name);
  if (answer.state === 'unknown') {
    if (!reference.optional) report({ type: 'unknown', cause: `${kind} ${name}: ${answer.cause}` });
    return;
  }
  if (answer.state === 'absent') {
    if (reference.optional) return;
    const maker = kind === 'Secret' ? makerOf(related, workload.namespace, name) : undefined;
    if (maker === undefined) {
      report(unmet(`${kind} ${name} does not exist`, `create ${kind} ${name} first`, whenMissing === 'Wait'));
    } else {
      report(maker);
    }
    return;
  }
  const facts = answer.values[0] as (typeof answer.values)[number];
  if (reference.pull && 'type' in facts && !PULL_TYPES.includes(facts.type)) {
    report(
      unmet(
        `Secret ${name} has type ${facts.type}, which does not fit for pulling images`,
        'create it with kubectl create secret docker-registry',
        false,
      ),
    );
  }
  if (!keys || reference.optional) return;
  if (reference.keys.length === 0) return;
  const present = keysOf(facts, workload.namespace, related);
  if (present.state === 'unknown') {
    report({ type: 'unknown', cause: `the keys of ${kind} ${name}: ${present.cause}` });
    return;
  }
  // One that has just gone has none.
  const held = present.state === 'found' ? present.values.flatMap(({ keys }) => keys) : [];
  for (const key of reference.keys) {
    if (!held.includes(key)) {
      report(
        unmet(
          `${kind} ${name} has no key ${key}`,
          `add the key ${key}, or name one that it has`,
          whenMissing === 'Wait',
        ),
      );
    }
  }
}

/** The keys of an object that is there. A Secret of which only the metadata was sent is asked for them by itself. */
function keysOf(
  { name, keys }: SecretFacts | ConfigMapFacts,
  namespace: string,
  related: Related,
): Answer<SecretKeysFacts> {
  return keys === undefined
    ? related.find('SecretKeys', namespace, name)
    : { state: 'found', values: [{ name, keys }] };
}

/** What is going to make a Secret, or makes it, as a note; undefined if nothing does. */
export function makerOf(related: Related, namespace: string, name: string): Outcome | undefined {
  let unknown: Outcome | undefined;
  for (const kind of SECRET_MAKERS) {
    const answer = related.find(kind, namespace, name);
    if (answer.state === 'found') {
      return { type: 'note', text: `Secret ${name} will be made by ${kind} ${answer.values[0]?.name}` };
    }
    if (answer.state === 'unknown') {
      unknown ??= { type: 'unknown', cause: `whether a ${kind} makes Secret ${name}: ${answer.cause}` };
    }
  }
  return unknown;
}
