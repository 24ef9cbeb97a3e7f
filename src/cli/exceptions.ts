/** The ReadinessExceptions among the manifests: they count as in a cluster. */
import { CHECKS } from '../checks/index.ts';
import { groupOf } from '../engine/kinds.ts';
import { formatPath } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { EXCEPTION_KIND } from '../policy/exception-schema.ts';
import { ExceptionCompiler, ExceptionSet } from '../policy/exceptions.ts';
import { API_VERSION, GROUP } from '../policy/schema.ts';
import type { Source } from './objects.ts';
import { Problems } from './problems.ts';
import { nameOf } from './shape.ts';

/**
 * Compiles the exceptions of the input.
 *
 * @param namespace - of exceptions that name none
 * @param problems - where it goes what is wrong; absent: it is thrown
 * @param inForce - those of the cluster; the input wins over them, and one that can't be used does not count there either
 * @throws UnreadableInput naming everything that is wrong with them
 */
export function exceptionsAmong(
  sources: readonly Source[],
  namespace: string,
  inForce: readonly RawObject[] = [],
  problems = new Problems(),
): ExceptionSet {
  const compiler = new ExceptionCompiler(CHECKS);
  const found = new ExceptionSet();
  const present = new ExceptionSet();
  for (const object of inForce) {
    const compiled = compiler.compile(object);
    if ('exception' in compiled) present.set(compiled.exception);
  }
  for (const { object, apiVersion, kind, file, locate } of sources) {
    if (kind !== EXCEPTION_KIND || groupOf(apiVersion) !== GROUP) continue;
    const name = nameOf(object);
    if (apiVersion !== API_VERSION) {
      problems.add(file, locate(['apiVersion']), `${kind}: apiVersion: must be ${API_VERSION}; is ${apiVersion}`);
    } else if (name === null) {
      problems.add(file, locate(['metadata', 'name']), `${kind}: metadata.name: is required`);
    } else {
      const compiled = compiler.compile(object, namespace);
      if ('problems' in compiled) {
        for (const { path, message } of compiled.problems) {
          problems.add(file, locate(path), `${kind} ${name}: ${formatPath(path)}: ${message}`);
        }
      } else if (found.get(compiled.exception.namespace, name) !== undefined) {
        problems.add(file, locate(['metadata', 'name']), `${kind} ${name} stands here a second time`);
      } else {
        found.set(compiled.exception);
      }
    }
  }
  problems.throwIfAny();
  return new ExceptionSet([...present, ...found]);
}
