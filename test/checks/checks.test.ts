import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import * as fc from 'fast-check';
import type { TSchema } from 'typebox';
import { metadataProblems } from '../../scripts/generate/check-metadata.ts';
import { CHECKS } from '../../src/checks/index.ts';
import type { Check } from '../../src/engine/check.ts';
import { evaluateCheck, type CheckResult, type EnabledCheck } from '../../src/engine/evaluate.ts';
import { WORKLOAD_KINDS, workloadKindOf, type WorkloadKind } from '../../src/engine/kinds.ts';
import { formatPath, valueAt } from '../../src/engine/path.ts';
import type { Related } from '../../src/engine/related.ts';
import { readWorkload, type RawObject, type Workload } from '../../src/engine/workload.ts';
import {
  enabledBy,
  failuresOf,
  FIXTURE_TIME,
  FIXTURES_FOLDER,
  loadFixtures,
  neededParameters,
} from '../support/fixtures.ts';
import { mutilated } from '../support/mutilate.ts';
import { NOTHING_RELATED, relatedOf, unknownRelated } from '../support/related.ts';

const FIXTURES = loadFixtures();
const CHECKS_FOLDER = join(import.meta.dirname, '..', '..', 'src', 'checks');
const UNKNOWN = unknownRelated('nobody answers');

const cases = CHECKS.map((check) => [check.name, check] as const);
const everyWorkload = FIXTURES.flatMap(({ workloads, related }) =>
  workloads.map(({ workload }) => ({ workload, related })),
);

function withDefaults(check: Check): EnabledCheck {
  return enabledBy({ policy: undefined, check: check.name, file: '' }, check);
}

function run(enabled: EnabledCheck, workload: Workload, related: Related): CheckResult {
  return evaluateCheck(enabled, workload, related, FIXTURE_TIME);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The check's parameters with all defaults that the schema states. */
function statedDefaults(check: Check): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(propertiesOf(check))
      .filter(([, schema]) => 'default' in schema)
      .map(([name, schema]) => [name, (schema as { default: unknown }).default]),
  );
}

function propertiesOf(check: Check): Record<string, TSchema> {
  return (check.parameters as { properties?: Record<string, TSchema> }).properties ?? {};
}

describe('the list of checks', () => {
  const files = readdirSync(CHECKS_FOLDER)
    .filter((file) => file !== 'index.ts')
    .map((file) => file.replace(/\.ts$/, ''));

  test('holds exactly the files of src/checks, by name', () => {
    expect(CHECKS.map(({ name }) => name)).toEqual(files.toSorted());
  });

  test('gives each check the name of its file', async () => {
    for (const file of files) {
      const module = (await import(join(CHECKS_FOLDER, `${file}.ts`))) as { default: Check };
      expect(module.default.name).toBe(file);
      expect(CHECKS).toContain(module.default);
    }
  });

  test('matches the folders of fixtures', () => {
    const folders = readdirSync(FIXTURES_FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).toSorted()).toEqual(files.toSorted());
  });
});

describe.each(cases)('%s', (name, check) => {
  const own = FIXTURES.filter((fixture) => fixture.check === name);
  // A ServiceAccount that can't be looked up is serviceAccountReference's; its pull secrets are assumed to be none, or
  // else these could never tell anything of a file alone.
  const ofUsedSecrets = ['secretReferences', 'secretRotation', 'secretSource'].includes(name);
  const ASSUMED: readonly string[] = ofUsedSecrets ? ['ServiceAccount'] : [];

  describe('fixtures', () => {
    test('met and unmet', () => {
      const statuses = own.map(({ status }) => status);
      expect(statuses).toContain('Met');
      expect(statuses).toContain('Unmet');
      if (check.reads?.length) expect(statuses).toContain('Unknown');
      if (check.appliesTo !== undefined) expect(statuses).toContain('NotApplicable');
    });

    test.each(own.map((fixture) => [fixture.file, fixture] as const))('%s', (_, fixture) => {
      expect(failuresOf(fixture, check)).toEqual([]);
    });
  });

  test('says all of itself that it must', () => {
    expect(metadataProblems(check)).toEqual([]);
  });

  describe('defaults', () => {
    const defaults = { ...statedDefaults(check), ...neededParameters(name) };

    test('are valid', () => {
      const validate = new Ajv({ strict: false }).compile(check.parameters);
      validate(defaults);
      expect(validate.errors).toBeNull();
    });

    test('are what the check uses', () => {
      expect(check.prepare?.(defaults as never)).toEqual(check.prepare?.(neededParameters(name) as never));
      const stated: EnabledCheck = {
        ...withDefaults(check),
        parameters: check.prepare?.(defaults as never) ?? defaults,
      };
      for (const { workload, related } of everyWorkload) {
        expect(run(stated, workload, related)).toEqual(run(withDefaults(check), workload, related));
      }
    });
  });

  test('gives each finding a place, a clause and a cure', () => {
    for (const fixture of own) {
      for (const { workload } of fixture.workloads) {
        for (const { path, message, remediation, container } of run(
          enabledBy(fixture, check),
          workload,
          fixture.related,
        ).unmet) {
          expect(message).toMatch(/^[\w"/-][^\n]*[^.\s]$/);
          expect(remediation ?? check.remediation).toMatch(/^[a-z][^\n]*[^.\s]$/);
          const owner = workload.containers.find(({ path: at }) => at.every((step, index) => path[index] === step));
          expect(container).toBe(owner?.name);
        }
      }
    }
  });

  test('never fails on any fixture, whatever is known around it', () => {
    const enabled = withDefaults(check);
    for (const { workload, related } of everyWorkload) {
      for (const world of [related, NOTHING_RELATED, UNKNOWN]) {
        expect(run(enabled, workload, world)).not.toMatchObject({ status: 'Error' });
      }
    }
  });

  test('never calls met or unmet what depends on an answer that is missing', () => {
    // With everything found as the fixture says, and with nothing found, the results differ: so they depend on it.
    const enabled = withDefaults(check);
    for (const { workload, related } of everyWorkload) {
      const world: Related = {
        find: (kind, namespace, key) =>
          ASSUMED.includes(kind) ? { state: 'absent' } : related.find(kind, namespace, key),
      };
      const [found, absent] = [run(enabled, workload, world), run(enabled, workload, NOTHING_RELATED)];
      if (found.status !== absent.status) expect(run(enabled, workload, UNKNOWN).status).toBe('Unknown');
    }
  });

  test('never fails on an empty object', () => {
    const enabled = withDefaults(check);
    for (const kind of WORKLOAD_KINDS) {
      const empty = kind.template.reduceRight<unknown>((inner, step) => ({ [step]: inner }), { spec: {} }) as RawObject;
      for (const object of [empty, { ...empty, metadata: {} }, { ...empty, metadata: null }]) {
        const read = readWorkload(object, kind);
        if ('problem' in read) throw new Error(read.problem.message);
        for (const world of [NOTHING_RELATED, UNKNOWN]) {
          expect(run(enabled, read.workload, world)).not.toMatchObject({ status: 'Error' });
        }
      }
    }
  });

  test('gives the same answer twice', () => {
    const enabled = withDefaults(check);
    for (const { workload, related } of everyWorkload.slice(0, 20)) {
      expect(run(enabled, workload, related)).toEqual(run(enabled, workload, related));
    }
  });
});

describe('a custom kind', () => {
  const kind: WorkloadKind = {
    kind: 'Runner',
    group: 'example.com',
    version: 'v1',
    resource: 'runners',
    template: ['spec', 'worker', 'pod'],
    replicas: ['spec', 'worker', 'count'],
  };
  const spec = {
    serviceAccountName: 'r',
    containers: [{ name: 'app', image: 'app', env: [{ name: 'T', value: 'xxx' }] }],
  };
  const read = readWorkload({ metadata: { name: 'r' }, spec: { worker: { count: 1, pod: { spec } } } }, kind);
  const hpa = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h' },
    spec: {
      scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Runner', name: 'r' },
      minReplicas: 2,
      maxReplicas: 3,
    },
  };

  test("is judged as any other, with paths in the user's own object", () => {
    if ('problem' in read) throw new Error(read.problem.message);
    const pathsOf = (name: string, related = NOTHING_RELATED): string[] =>
      CHECKS.filter((check) => check.name === name)
        .flatMap((check) => run(withDefaults(check), read.workload, related).unmet)
        .map(({ path }) => formatPath(path));
    expect(pathsOf('minReplicas')).toEqual(['spec.worker.count']);
    expect(pathsOf('minReplicas', relatedOf([hpa]))).toEqual([]);
    expect(pathsOf('memoryLimits')).toEqual(['spec.worker.pod.spec.containers[0].resources.limits']);
    expect(pathsOf('readinessProbe')).toEqual(['spec.worker.pod.spec.containers[0]']);
    expect(pathsOf('imageTag')).toEqual(['spec.worker.pod.spec.containers[0].image']);
    expect(pathsOf('placeholderValues')).toEqual(['spec.worker.pod.spec.containers[0].env[0].value']);
    expect(pathsOf('serviceAccountReference')).toEqual(['spec.worker.pod.spec.serviceAccountName']);
  });
});

describe('mutilated manifests', () => {
  const objects = everyWorkload.map(({ workload }) => workload.object);
  const enabled = CHECKS.map(withDefaults);

  test('are refused with the place of the problem, or judged without a failure', () => {
    let refused = 0;
    let judged = 0;
    fc.assert(
      fc.property(mutilated(objects), fc.constantFrom(NOTHING_RELATED, UNKNOWN), (object, related) => {
        const named = workloadKindOf(text(object['apiVersion']), text(object['kind']));
        for (const kind of named === undefined ? WORKLOAD_KINDS : [named]) {
          const read = readWorkload(object, kind);
          if ('problem' in read) {
            const { path, message } = read.problem;
            refused++;
            expect(message).toMatch(/\w/);
            if (formatPath(path) !== formatPath(kind.template)) expect(valueAt(object, path)).not.toBeUndefined();
            continue;
          }
          for (const one of enabled) {
            const result = run(one, read.workload, related);
            if (result.status === 'Error') throw new Error(`${one.check.name}: ${result.causes.join('; ')}`);
          }
          judged++;
        }
      }),
      { numRuns: 3000 },
    );
    // Both must happen often for the test to mean anything.
    expect(Math.min(refused, judged)).toBeGreaterThan(300);
  });
});

describe('secrets', () => {
  const name = 'hardcodedCredentials';
  const check = CHECKS.find((candidate) => candidate.name === name) as Check;

  test('never appear in what is reported of them', () => {
    let found = 0;
    for (const fixture of FIXTURES.filter((candidate) => candidate.check === name)) {
      for (const { workload } of fixture.workloads) {
        const { unmet, causes, notes } = run(enabledBy(fixture, check), workload, fixture.related);
        const reported = JSON.stringify([
          unmet.map(({ message, remediation }) => [message, remediation]),
          causes,
          notes,
        ]);
        for (const { path } of unmet) {
          found++;
          for (const part of text(valueAt(workload.object, path)).split(/[\s=:/@;&]+/)) {
            if (/f4ke|FAKE|EXAMPLE|eyJ/i.test(part)) expect(reported).not.toContain(part);
          }
        }
      }
    }
    expect(found).toBeGreaterThan(20);
  });
});
