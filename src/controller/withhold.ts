/**
 * Takes credentials out of workloads before they are kept in memory. In the place of each stands what was found there, so
 * that the checks say the same of the copy as of the object.
 */
import hardcodedCredentials from '../checks/hardcodedCredentials.ts';
import { withheld } from '../engine/credentials.ts';
import { evaluateCheck } from '../engine/evaluate.ts';
import type { WorkloadKind } from '../engine/kinds.ts';
import { valueAt, type Path } from '../engine/path.ts';
import type { Related } from '../engine/related.ts';
import { readWorkload, type RawObject } from '../engine/workload.ts';

const STRICT = {
  check: hardcodedCredentials,
  priority: 'Critical',
  parameters: hardcodedCredentials.prepare?.({} as never),
  exclude: [],
} as const;

/** The check looks at nothing but the object. */
const NOTHING: Related = { find: () => ({ state: 'absent' }) };
/** How the check words its findings: `TOKEN holds a GitHub token`. */
const FOUND = /\bholds (.+)$/;

/** The object with every credential that the check hardcodedCredentials finds replaced; the same object if there is none. */
export function withholdCredentials(object: RawObject, kind: WorkloadKind): RawObject {
  const read = readWorkload(object, kind);
  if ('problem' in read) return object;
  let result = object;
  for (const { path, message } of evaluateCheck(STRICT, read.workload, NOTHING, 0).unmet) {
    const text = valueAt(object, path);
    if (typeof text !== 'string') continue;
    // The name of a flag stays: `--token=` before what it holds.
    const [flag = ''] = /^--?[\w.-]+=/.exec(text) ?? [];
    result = replacedAt(result, path, flag + withheld(FOUND.exec(message)?.[1] ?? 'a credential')) as RawObject;
  }
  return result;
}

function replacedAt(value: unknown, [step, ...rest]: Path, by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? replacedAt(item, rest, by) : item));
  const holder = value as RawObject;
  return { ...holder, [step]: replacedAt(holder[step as string], rest, by) };
}
