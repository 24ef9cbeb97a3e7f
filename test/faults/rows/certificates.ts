/** Certificates that end, change or go. */
import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueLeaf } from '../../../src/webhook/issue.ts';
import type { Checks } from '../checks.ts';
import type { Row } from '../row.ts';
import { NAMESPACE, type Replica, type Stage } from '../stage.ts';

const SECRET = `/api/v1/namespaces/${NAMESPACE}/secrets/readiness-operator-tls`;
const DAY = 24 * 3_600_000;
/** Asks the operator for a rotation (docs/operations/certificates.md). */
const ROTATE = 'readiness-operator.dev/rotate';
/** A new leaf is there after this, in milliseconds. */
const LEAF_WITHIN = 20_000;
/** The same for a leaf of a new CA, which is trusted for 10 s first, and then no earlier than 30 s later served. */
const AUTHORITY_WITHIN = 75_000;
/** A Secret that somebody deleted is there again after this, in milliseconds. */
const RESTORED_WITHIN = 30_000;

type Texts = Record<'ca.crt' | 'ca.key' | 'tls.crt' | 'tls.key', string>;

/** Tells versions of the certificate's Secret apart. */
export async function secretVersion(stage: Stage): Promise<string> {
  return (await stage.admin.get(SECRET))['data']['tls.crt'] as string;
}

async function readTexts(stage: Stage): Promise<Texts> {
  const { data } = await stage.admin.get(SECRET);
  return Object.fromEntries(
    Object.entries(data as Record<string, string>).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
  ) as Texts;
}

async function writeTexts(stage: Stage, texts: Partial<Texts>): Promise<void> {
  const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  await stage.admin.patch(SECRET, { data: Object.fromEntries(data) });
}

/** A leaf for the webhook's address, valid until then. */
async function leafUntil(stage: Stage, authority: { cert: string; key: string }, end: number) {
  const { hostname } = new URL(stage.webhook);
  const leaf = await issueLeaf(authority, [hostname], new Date(end - 90 * DAY), new Date(end));
  return { 'tls.crt': leaf.cert, 'tls.key': leaf.key };
}

/** The leaf that a replica serves to who connects now. */
function leafOf({ port }: Replica): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate() as X509Certificate);
      socket.end();
    });
    socket.on('error', reject);
  });
}

/** Fingerprint of the leaf that a replica serves. */
async function served(replica: Replica): Promise<string> {
  return (await leafOf(replica)).fingerprint256;
}

/** Does the bundle in the configuration vouch for a leaf? */
function vouches(stage: Stage, leaf: X509Certificate): boolean {
  const bundle = stage.caBundle().match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g) ?? [];
  return bundle.some((ca) => leaf.verify(new X509Certificate(ca).publicKey));
}

/**
 * Connects to both replicas again and again while something is done: whatever leaf is served, the configuration must vouch
 * for it at that moment. Requests over open connections do not show that.
 */
async function trusted(stage: Stage, checks: Checks, during: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  let looks = 0;
  let distrusted = 0;
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      for (const replica of stage.replicas) {
        const leaf = await leafOf(replica);
        looks += 1;
        if (!vouches(stage, leaf)) distrusted += 1;
      }
      await sleep(200);
    }
  };
  const looking = look();
  // Awaited below, where it counts; until then a failure must not end the program.
  looking.catch(() => {});
  try {
    await during();
  } finally {
    over.abort();
  }
  await looking;
  const text = `${distrusted} of ${looks} were not`;
  checks.that('each leaf that was served was trusted', distrusted === 0 && looks > 20, text);
}

/** Stops both replicas, gives them another Secret, and starts them. */
async function startWith(stage: Stage, texts: Partial<Texts>): Promise<void> {
  await Promise.all(stage.replicas.map((replica) => replica.stop()));
  await writeTexts(stage, texts);
  await Promise.all(stage.replicas.map((replica) => replica.start()));
  await stage.baselineReady();
}

/** Waits until both replicas serve another leaf than this one, which the bundle in the configuration vouches for. */
async function bothServeAnother(stage: Stage, than: string): Promise<true | string> {
  for (const replica of stage.replicas) {
    if ((await served(replica)) === than) return `${replica.name} still serves the old one`;
  }
  const texts = await readTexts(stage);
  return vouches(stage, new X509Certificate(texts['tls.crt'])) || 'the bundle does not vouch for it';
}

let before = '';

async function ask(stage: Stage, rotation: 'Leaf' | 'CA' | 'Distrust'): Promise<void> {
  await stage.admin.patch(SECRET, { metadata: { annotations: { [ROTATE]: rotation } } });
}

/** Has the operator taken the annotation away? */
async function obeyed(stage: Stage): Promise<boolean> {
  return (await stage.admin.get(SECRET))['metadata'].annotations?.[ROTATE] === undefined;
}

async function authorities(stage: Stage): Promise<number> {
  return (await readTexts(stage))['ca.crt'].split('-----BEGIN').length - 1;
}

export const leafRotation: Row = {
  name: 'leaf rotation',
  breaks: 'a new leaf asked for by the annotation, twice, 10 s apart; requests over new connections from then on',
  asserts: `both replicas serve a new one within ${LEAF_WITHIN / 1000} s; the CA stays`,
  run: async (stage, load, checks) => {
    const authority = (await readTexts(stage))['ca.crt'];
    for (let time = 0; time < 2; time++) {
      const old = await served(stage.replicas[0] as Replica);
      await trusted(stage, checks, async () => {
        await ask(stage, 'Leaf');
        await checks.within('both serve a new leaf', LEAF_WITHIN, () => bothServeAnother(stage, old));
        load.reconnect();
        await sleep(10_000);
      });
    }
    checks.that('the CA is the same', (await readTexts(stage))['ca.crt'] === authority);
  },
};

export const authorityRotation: Row = {
  name: 'CA rotation',
  breaks: 'a new CA asked for by the annotation, and then that the old one is trusted no more',
  asserts: `both replicas serve a leaf of it within ${AUTHORITY_WITHIN / 1000} s, vouched for by the configuration; the old one goes`,
  run: async (stage, load, checks) => {
    const key = (await readTexts(stage))['ca.key'];
    const old = await served(stage.replicas[0] as Replica);
    await trusted(stage, checks, async () => {
      await ask(stage, 'CA');
      await checks.within('both serve a leaf of it', AUTHORITY_WITHIN, () => bothServeAnother(stage, old));
      checks.that('the CA is a new one', (await readTexts(stage))['ca.key'] !== key);
      load.reconnect();
      await checks.within('obeyed', 5000, () => obeyed(stage));
      await ask(stage, 'Distrust');
      await checks.within('the old CA is gone', LEAF_WITHIN, async () => (await authorities(stage)) === 1);
      load.reconnect();
      await sleep(5000);
    });
  },
};

export const secretDeleted: Row = {
  name: 'TLS Secret deleted',
  breaks: 'the Secret of the certificate deleted, twice, 8 s apart',
  asserts: 'it is there again within 30 s, and the bundle vouches for what it holds',
  run: async (stage, _load, checks) => {
    for (let time = 0; time < 2; time++) {
      await stage.admin.remove(SECRET);
      await checks.within('the Secret is there again', RESTORED_WITHIN, async () => {
        return (await stage.admin.ask('GET', SECRET)).status === 200 && bothServeAnother(stage, '');
      });
      await sleep(8000);
    }
  },
};

export const expiredAtStart: Row = {
  name: 'expired certificate at start',
  breaks: 'both replicas find a leaf that expired yesterday',
  asserts: 'ready with a good one, of the same CA',
  prepare: async (stage, checks) => {
    const texts = await readTexts(stage);
    const leaf = await leafUntil(stage, { cert: texts['ca.crt'], key: texts['ca.key'] }, Date.now() - DAY);
    before = new X509Certificate(leaf['tls.crt']).fingerprint256;
    await startWith(stage, leaf);
    checks.that('the CA is the same', (await readTexts(stage))['ca.crt'] === texts['ca.crt']);
  },
  run: async (stage, _load, checks) => {
    await checks.within('both serve another leaf', 1000, () => bothServeAnother(stage, before));
    const leaf = new X509Certificate((await readTexts(stage))['tls.crt']);
    checks.that('the new one is good for weeks', Date.parse(leaf.validTo) - Date.now() > 31 * DAY, leaf.validTo);
  },
};
