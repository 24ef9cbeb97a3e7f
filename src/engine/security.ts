/** What the pod security checks share. */
import type { Workload } from './workload.ts';

/** Does the pod state that it runs on Windows, where most security settings of Linux mean nothing? */
export function isWindows({ pod }: Workload): boolean {
  return pod.os?.name === 'windows';
}
