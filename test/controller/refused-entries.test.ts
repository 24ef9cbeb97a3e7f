/** One entry that the API server refuses holds up no other: neither a new one, nor a changed one, nor the removal of one. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { REFUSAL_LASTS } from '../../src/controller/refused-entries.ts';
import type { Entry, EntryGroup } from '../../src/controller/webhook-configuration.ts';
import { ConfigurationObjects, VALIDATING, type Omission } from '../../src/controller/webhook-configuration-objects.ts';
import { WebhookConfigurationReconciler, type Applied } from '../../src/controller/webhook-configuration-reconciler.ts';
import type { RawObject } from '../../src/engine/workload.ts';
import { ApiError, type KubeClient, type RequestOptions, type WatchOptions } from '../../src/kube/client.ts';
import { SILENT } from '../support/logger.ts';
import { policyOf, webhookInput } from '../support/policies.ts';
import { TestClock } from '../support/testClock.ts';

/** An API server that has webhook configurations, and refuses some entries: those that are marked as bad, unless told. */
class ScriptedServer {
  readonly clock = new TestClock();
  readonly objects = new Map<string, RawObject>();
  /** Method and `dry` or `wet` of each write that was tried. */
  readonly writes: string[] = [];
  refuses = (entry: Entry): boolean => entry['bad'] === true;
  /** Does it say which entries it refuses? */
  names = true;
  /** What it answers to every write instead. */
  broken: ApiError | undefined;

  async getIfThere(path: string): Promise<RawObject | undefined> {
    return this.objects.get(path.slice(path.lastIndexOf('/') + 1));
  }

  async request(method: string, _path: string, { body, query }: RequestOptions): Promise<void> {
    const { metadata, webhooks } = body as { metadata: { name: string }; webhooks: Entry[] };
    this.writes.push(`${method} ${query?.['dryRun'] === undefined ? 'wet' : 'dry'}`);
    if (this.broken !== undefined) throw this.broken;
    const bad = [...webhooks.entries()].filter(([, entry]) => this.refuses(entry));
    if (bad.length > 0) {
      const causes = bad.map(([index]) => ({ field: `webhooks[${index}].objectSelector`, message: 'is bad' }));
      throw new ApiError(422, 'Invalid', 'the object is bad', undefined, this.names ? causes : []);
    }
    if (query?.['dryRun'] === undefined) this.objects.set(metadata.name, body as RawObject);
  }

  async list(): Promise<object> {
    return { metadata: { resourceVersion: '1' }, items: [] };
  }

  /** Nobody changes anything. */
  watch(_path: string, { signal, onOpen }: WatchOptions): Promise<void> {
    onOpen();
    return new Promise((resolve) => signal?.addEventListener('abort', () => resolve()));
  }

  /** Names of all entries that it has. */
  get entries(): string[] {
    return [...this.objects.values()].flatMap(({ webhooks }) => (webhooks as Entry[]).map(({ name }) => String(name)));
  }
}

let server: ScriptedServer;
let objects: ConfigurationObjects;
beforeEach(startAfresh);

function startAfresh(): void {
  server = new ScriptedServer();
  objects = new ConfigurationObjects({
    client: server as unknown as KubeClient,
    logger: SILENT,
    kind: VALIDATING,
    name: 'operator',
    onChange: () => undefined,
  });
}

const STANDING: EntryGroup = { name: '', entries: [{ name: 'standing' }] };
const good = (name: string, more: object = {}): EntryGroup => ({ name, entries: [{ name: `${name}.entry`, ...more }] });
const bad = (name: string, more: object = {}): EntryGroup => good(name, { bad: true, ...more });

async function write(...groups: EntryGroup[]): Promise<ReadonlyMap<string, Omission>> {
  return (await objects.plan([STANDING, ...groups], undefined)).write();
}

describe.each([true, false])('the API server names the entries that it refuses: %s', (names) => {
  beforeEach(() => {
    server.names = names;
  });

  test('the others are written, and why one is not is told', async () => {
    const omitted = await write(good('a'), bad('b'), good('c'));
    const why = names ? 'b.entry: objectSelector: is bad' : 'the object is bad';
    expect([...omitted]).toEqual([['b', { reason: 'EntryRefused', why }]]);
    expect(server.entries).toEqual(['a.entry', 'c.entry', 'standing']);
  });

  test('a policy that is relaxed beside it gets through, one that is deleted goes', async () => {
    await write(good('a', { failurePolicy: 'Fail' }), good('b', { failurePolicy: 'Fail' }), good('c'));
    await write(good('a', { failurePolicy: 'Ignore' }), bad('c'));
    expect(server.entries).toEqual(['a.entry', 'standing']);
    expect(server.objects.get('operator')).toMatchObject({ webhooks: [{ failurePolicy: 'Ignore' }, {}] });
  });

  test('it is not tried again until it changes, or its time is over', async () => {
    await write(good('a'), bad('b'));
    server.writes.length = 0;
    expect([...(await write(good('a'), bad('b'))).keys()]).toEqual(['b']);
    expect(server.writes).toEqual([]);
    expect([...(await write(good('a'), bad('b'), good('c'))).keys()]).toEqual(['b']);
    expect(server.writes).toEqual(['PUT wet']);

    expect((await write(good('a'), good('b'), good('c'))).size).toBe(0);
    expect(server.entries).toContain('b.entry');

    await write(bad('a'));
    server.writes.length = 0;
    await server.clock.advance(REFUSAL_LASTS);
    expect([...(await write(bad('a'))).keys()]).toEqual(['a']);
    expect(server.writes[0]).toBe('PUT wet');
  });

  test('whichever are refused, just these are left out', async () => {
    const marks = fc.array(fc.boolean(), { maxLength: 24 });
    await fc.assert(
      fc.asyncProperty(marks, async (isBad) => {
        startAfresh();
        server.names = names;
        const groups = isBad.map((mark, index) => (mark ? bad : good)(`policy-${index}`));
        const omitted = await write(...groups);
        expect(new Set(omitted.keys())).toEqual(new Set(groups.filter((_, i) => isBad[i]).map(({ name }) => name)));
        expect(server.entries).toHaveLength(1 + isBad.filter((mark) => !mark).length);
        // Two writes, and a question for each half, quarter ... of the groups.
        expect(server.writes.length).toBeLessThanOrEqual(3 + 2 * groups.length);
      }),
    );
  });
});

test('nothing of the search is written: no entry is missing meanwhile', async () => {
  server.names = false;
  await write(good('a'), bad('b'), good('c'), good('d'));
  expect(server.writes.filter((write) => write.endsWith('wet'))).toHaveLength(2);
  expect(server.writes.length).toBeGreaterThan(3);
});

test.each([true, false])('what no policy is to blame for leaves out none, and fails (named: %s)', async (names) => {
  server.names = names;
  const plan = await objects.plan([{ name: '', entries: [{ name: 'standing', bad: true }] }, good('a')], undefined);
  await expect(plan.write()).rejects.toThrow('the object is bad');
  expect((await write(good('a'))).size).toBe(0);
});

test.each([403, 409, 500])('an answer of %s says nothing of entries', async (status) => {
  server.broken = new ApiError(status, 'Other', 'not now');
  await expect(write(good('a'))).rejects.toThrow('not now');
  expect(server.writes).toHaveLength(1);
  server.broken = undefined;
  expect((await write(good('a'))).size).toBe(0);
});

test('a refusal that no question confirms fails, and is tried again as a whole', async () => {
  const { request } = server;
  server.request = async (method, path, options) => {
    if (options.query?.['dryRun'] === undefined) throw new ApiError(422, 'Invalid', 'only in earnest');
    return request.call(server, method, path, options);
  };
  await expect(write(good('a'), good('b'))).rejects.toThrow('only in earnest');
  server.request = request;
  expect((await write(good('a'), good('b'))).size).toBe(0);
});

test('a policy that was refused is tried again by itself, and enforced once the API server takes it', async () => {
  const refused = policyOf({ profile: 'none' }, undefined, { name: 'refused', generation: 1 });
  server.refuses = ({ name }) => name === 'refused.workloads.readiness-operator.dev';
  let told = Promise.withResolvers<Applied>();
  const reconciler = new WebhookConfigurationReconciler({
    client: server as unknown as KubeClient,
    logger: SILENT,
    name: 'operator',
    ownerClusterRole: undefined,
    desired: () => webhookInput([refused]),
    onApplied: (applied) => told.resolve(applied),
  });
  reconciler.start();
  const first = await told.promise;
  expect([...first.omitted]).toEqual([['refused', expect.objectContaining({ reason: 'EntryRefused' })]]);

  told = Promise.withResolvers();
  server.refuses = () => false;
  await server.clock.waiting(REFUSAL_LASTS);
  await server.clock.advance(REFUSAL_LASTS);
  expect((await told.promise).omitted.size).toBe(0);
  expect(server.entries).toContain('refused.workloads.readiness-operator.dev');
  await reconciler.stop();
});
