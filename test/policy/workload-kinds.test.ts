import { describe, expect, test } from '@jest/globals';
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import { formatPath } from '../../src/engine/path.ts';
import { readWorkloadKinds } from '../../src/policy/workload-kinds.ts';

const ROLLOUT = { group: 'argoproj.io', version: 'v1alpha1', kind: 'Rollout', resource: 'rollouts' };

function problemsOf(value: unknown): string[] {
  const read = readWorkloadKinds(value);
  return 'kinds' in read ? [] : read.problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);
}

test('custom kinds stand after those of Kubernetes; template and selector stand where Kubernetes has them', () => {
  const read = readWorkloadKinds([ROLLOUT]);
  expect(read).toEqual({
    kinds: [
      ...WORKLOAD_KINDS,
      {
        ...ROLLOUT,
        template: ['spec', 'template'],
        selector: ['spec', 'selector'],
        makes: ['ReplicaSet', 'Pod', 'Job'],
        custom: true,
      },
    ],
  });
  expect(readWorkloadKinds([])).toEqual({ kinds: WORKLOAD_KINDS });
});

test('paths become steps', () => {
  const custom = {
    ...ROLLOUT,
    template: 'spec.worker.pod',
    replicas: 'size',
    selector: 'spec.worker.selector',
    history: 'ControllerRevision',
    runsToCompletion: true,
  };
  expect(readWorkloadKinds([custom])).toMatchObject({
    kinds: [
      ...WORKLOAD_KINDS,
      {
        template: ['spec', 'worker', 'pod'],
        replicas: ['size'],
        selector: ['spec', 'worker', 'selector'],
        history: 'ControllerRevision',
        runsToCompletion: true,
      },
    ],
  });
});

describe('what is wrong is told with its field', () => {
  test.each<[string, unknown, string]>([
    ['no list', {}, 'workloadKinds: must be of type array; is {}'],
    ['a text', ['Rollout'], 'workloadKinds[0]: must be of type object; is "Rollout"'],
    ['no group', [{ ...ROLLOUT, group: undefined }], 'workloadKinds[0].group: is required'],
    [
      'a misspelt field',
      [{ ...ROLLOUT, replica: 'x' }],
      'workloadKinds[0].replica: unknown field; did you mean replicas?',
    ],
    ['a path with an index', [{ ...ROLLOUT, template: 'spec.pods[0]' }], 'workloadKinds[0].template: must match'],
    ['a kind in lower case', [{ ...ROLLOUT, kind: 'rollout' }], 'workloadKinds[0].kind: must match'],
    ['a resource in upper case', [{ ...ROLLOUT, resource: 'Rollouts' }], 'workloadKinds[0].resource: must match'],
    ['the core group', [{ ...ROLLOUT, group: '' }], 'workloadKinds[0].group: must match'],
    [
      'a history that is none',
      [{ ...ROLLOUT, history: 'Revision' }],
      'workloadKinds[0].history: must be one of ReplicaSet, ControllerRevision; is "Revision"',
    ],
    [
      'a kind of Kubernetes',
      [{ ...ROLLOUT, kind: 'Job' }],
      'workloadKinds[0].kind: Job is a kind of Kubernetes itself; each kind can be judged in one group only',
    ],
    [
      'a kind twice',
      [ROLLOUT, { ...ROLLOUT, group: 'example.com' }],
      'workloadKinds[1].kind: Rollout of argoproj.io is named already; each kind can be judged in one group only',
    ],
    [
      'a resource twice',
      [ROLLOUT, { ...ROLLOUT, kind: 'Other' }],
      'workloadKinds[1].resource: rollouts of argoproj.io is named already',
    ],
    [
      'a path that nobody writes',
      [{ ...ROLLOUT, template: 'status.template' }],
      'workloadKinds[0].template: must name a field that users write, not one of status',
    ],
  ])('%s', (_name, value, message) => {
    const problems = problemsOf(JSON.parse(JSON.stringify(value)));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  test('more kinds than a policy can name', () => {
    const many = Array.from({ length: 25 }, (_, index) => ({ ...ROLLOUT, kind: `K${index}`, resource: `k${index}` }));
    expect(problemsOf(many.slice(1))).toEqual([]);
    expect(problemsOf(many)[0]).toContain('workloadKinds: must NOT have more than 24 items');
  });
});
