/**
 * How many replicas a number, or a percentage of them (`25%`), stands for.
 *
 * @param round - of a percentage; Kubernetes rounds up or down by field
 * @returns undefined for what is neither, which the API server refuses
 */
export function shareOf(bound: unknown, replicas: number, round: (share: number) => number): number | undefined {
  if (typeof bound === 'number') return bound;
  const percent = /^(\d+)%$/.exec(String(bound))?.[1];
  return percent === undefined ? undefined : round((Number(percent) * replicas) / 100);
}
