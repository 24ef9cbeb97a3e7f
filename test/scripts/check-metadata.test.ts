import { expect, test } from '@jest/globals';
import { Type } from 'typebox';
import { metadataProblems } from '../../scripts/generate/check-metadata.ts';
import minReplicas from '../../src/checks/minReplicas.ts';

test.each([
  [{ name: 'MinReplicas' }, 'name'],
  [{ title: '' }, 'title'],
  [{ title: 'Minimum of a image' }, 'title'],
  [{ rationale: 'no full stop' }, 'rationale'],
  [{ metWhen: 'Two  spaces.' }, 'metWhen'],
  [{ remediation: 'Set spec.replicas.' }, 'remediation'],
  [{ group: 'Others' }, 'group'],
  [{ scope: 'cluster' }, 'scope'],
  [{ priorities: { 'production-v1': 'Critical' } }, 'priorities'],
  [{ priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Urgent' } }, 'priorities'],
  [{ items: [] }, 'items'],
  [{ items: ['performance'] }, 'items'],
  [{ reads: ['Node'] }, 'reads'],
  [{ source: 'https://example.com/docs/' }, 'source'],
  [{ parameters: { type: 'no such type' } }, 'parameters'],
  [{ parameters: Type.Object({ Least: Type.Boolean({ description: 'Whether it is.' }) }) }, 'parameters.Least'],
  [{ parameters: Type.Object({ least: Type.Boolean() }) }, 'parameters.least'],
  [{ parameters: Type.Object({ least: Type.Integer({ description: 'The least.' }) }) }, 'parameters.least'],
  [{ parameters: Type.Object({ names: Type.String({ description: 'The name.' }) }) }, 'parameters.names'],
  [
    { parameters: Type.Object({ names: Type.Array(Type.Boolean(), { description: 'The names.' }) }) },
    'parameters.names',
  ],
])('%j is refused', (broken, field) => {
  expect(metadataProblems(minReplicas)).toEqual([]);
  const problems = metadataProblems({ ...minReplicas, ...(broken as object) });
  expect(problems).toEqual([expect.stringMatching(`^${field}: `)]);
});
