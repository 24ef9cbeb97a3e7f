import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { BASELINE, controlsOf, judgeControls } from '../engine/pod-security.ts';

export default defineCheck({
  name: 'podSecurityBaseline',
  title: 'Pod Security Baseline',
  metWhen: 'Each control of the Baseline Pod Security Standard is met.',
  group: 'Images, pod security, identity',
  items: ['security.secrets.least-privilege', 'deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  perContainer: true,
  parameters: Type.Object({
    allow: Type.Optional(
      Type.Array(Type.Unsafe<string>({ type: 'string', enum: Object.keys(BASELINE) }), {
        description: 'Controls that are not judged, by the names of the standard.',
        default: [],
        maxItems: 32,
      }),
    ),
  }),
  rationale:
    'These settings give a container the node: what breaks out of it, or is run in it, owns every other pod there.',
  remediation: 'remove it, or allow the control in the policy',
  source: 'https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline',
  prepare: ({ allow }) => ({ controls: controlsOf(BASELINE, allow) }),
  run: (input, report) => judgeControls(input.parameters.controls, input, report),
});
