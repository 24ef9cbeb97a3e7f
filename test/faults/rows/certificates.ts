/** Certificates that end, change or go. */
import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueAuthority, issueLeaf } from '../../../src/webhook/issue.ts';
import type { Row } from '../row.ts';
import { NAMESPACE, type Replica, type Stage } from '../stage.ts';

const SECRET = `/api/v1/namespaces/${NAMESPACE}/secrets/readiness-operator-tls`;
const DAY = 24 * 3_600_000;
/** The operator renews what has less than this left (docs/operations). */
const RENEW_BEFORE = { ca: 365 * DAY, leaf: 30 * DAY };
/** From the writing of a certificate until it is due for renewal: enough to start both replicas and the requests. */
const DUE_IN = 20_000;
/** A renewal is not later than this after it is due, in milliseconds. */
const RENEWED_WITHIN = 90_000;

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

/** Fingerprint of the leaf that a replica serves. */
function served({ port }: Replica): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.end();
    });
    socket.on('error', reject);
  });
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
  const bundle = stage.caBundle().match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g) ?? [];
  const leaf = new X509Certificate(texts['tls.crt']);
  return bundle.some((ca) => leaf.verify(new X509Certificate(ca).publicKey)) || 'the bundle does not vouch for it';
}

let before = '';

export const leafRotation: Row = {
  name: 'leaf rotation',
  breaks: 'the leaf comes within the 30 days in which it is renewed, while requests come',
  asserts: 'both replicas serve a new one; the CA stays',
  prepare: async (stage) => {
    const { 'ca.crt': cert, 'ca.key': key } = await readTexts(stage);
    const leaf = await leafUntil(stage, { cert, key }, Date.now() + RENEW_BEFORE.leaf + DUE_IN);
    before = new X509Certificate(leaf['tls.crt']).fingerprint256;
    await startWith(stage, leaf);
  },
  run: async (stage, _load, checks) => {
    const authority = (await readTexts(stage))['ca.crt'];
    await checks.within('both serve a new leaf', RENEWED_WITHIN, () => bothServeAnother(stage, before));
    checks.that('the CA is the same', (await readTexts(stage))['ca.crt'].includes(authority.trim()));
    await sleep(5000);
  },
};

export const authorityRotation: Row = {
  name: 'CA rotation',
  breaks: 'the CA comes within the year in which it is renewed, while requests come',
  asserts: 'both replicas serve a leaf of a new CA, and the bundle vouches for it',
  prepare: async (stage) => {
    const end = Date.now() + RENEW_BEFORE.ca + DUE_IN;
    const authority = await issueAuthority('readiness-operator', new Date(Date.now() - DAY), new Date(end));
    const leaf = await leafUntil(stage, authority, Date.now() + 89 * DAY);
    before = new X509Certificate(leaf['tls.crt']).fingerprint256;
    await startWith(stage, { 'ca.crt': authority.cert, 'ca.key': authority.key, ...leaf });
  },
  run: async (stage, _load, checks) => {
    const authority = (await readTexts(stage))['ca.key'];
    await checks.within('both serve a leaf of another CA', RENEWED_WITHIN, () => bothServeAnother(stage, before));
    checks.that('the CA is a new one', (await readTexts(stage))['ca.key'] !== authority);
    await sleep(5000);
  },
};

export const secretDeleted: Row = {
  name: 'TLS Secret deleted',
  breaks: 'the Secret of the certificate deleted, twice, 8 s apart',
  asserts: 'it is there again within 30 s, and the bundle vouches for what it holds',
  run: async (stage, _load, checks) => {
    for (let time = 0; time < 2; time++) {
      await stage.admin.remove(SECRET);
      await checks.within('the Secret is there again', 30_000, async () => {
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
