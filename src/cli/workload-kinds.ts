/** `--workload-kinds`: the custom kinds to check, written out or in a file such as the values of the chart. */
import type { WorkloadKind } from '../engine/kinds.ts';
import { formatPath } from '../engine/path.ts';
import { readWorkloadKinds } from '../policy/workload-kinds.ts';
import { parseManifests } from './documents.ts';
import { readFiles } from './input.ts';
import { UnreadableInput } from './problems.ts';

const OPTION = '--workload-kinds';

/**
 * Reads the option's value.
 *
 * @param text - a list as JSON, or the name of a YAML or JSON file with such a list, by itself or under `workloadKinds`
 * @returns the kinds of Kubernetes with the custom ones after them
 * @throws UnreadableInput naming each field that is wrong
 */
export function workloadKindsOf(text: string): readonly WorkloadKind[] {
  const { file, text: content } = text.trimStart().startsWith('[')
    ? { file: OPTION, text }
    : (readFiles([text]).files[0] ?? { file: text, text: '' });
  const [manifest] = parseManifests(content, file);
  const isList = Array.isArray(manifest?.object);
  const value: unknown = isList ? manifest?.object : manifest?.object['workloadKinds'];
  if (manifest === undefined || value === undefined) {
    throw new UnreadableInput([{ file, at: undefined, message: 'holds no list of workloadKinds' }]);
  }
  const read = readWorkloadKinds(value);
  if ('kinds' in read) return read.kinds;
  throw new UnreadableInput(
    read.problems.map(({ path, message }) => ({
      file,
      at: manifest.locate(isList ? path.slice(1) : path),
      message: `${formatPath(path)}: ${message}`,
    })),
  );
}
