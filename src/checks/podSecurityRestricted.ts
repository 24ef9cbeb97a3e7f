import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { RESTRICTED, controlsOf, judgeControls } from '../engine/pod-security.ts';

export default defineCheck({
  name: 'podSecurityRestricted',
  title: 'Pod Security Restricted',
  metWhen: 'Each control that the Restricted Pod Security Standard adds to Baseline is met.',
  group: 'Images, pod security, identity',
  items: ['security.secrets.least-privilege', 'deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  perContainer: true,
  parameters: Type.Object({
    allow: Type.Optional(
      Type.Array(Type.Unsafe<string>({ type: 'string', enum: Object.keys(RESTRICTED) }), {
        description: 'Controls that are not judged, by the names of the standard.',
        default: [],
        maxItems: 32,
      }),
    ),
  }),
  rationale:
    'Defence in depth: a process without root, capabilities and a way to more of them has little to break out with.',
  remediation: 'use what the Restricted standard allows, or allow the control in the policy',
  source: 'https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted',
  prepare: ({ allow }) => ({ controls: controlsOf(RESTRICTED, allow) }),
  run: (input, report) => judgeControls(input.parameters.controls, input, report),
});
