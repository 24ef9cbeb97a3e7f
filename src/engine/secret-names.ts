/** Tells by a name (of a variable, flag, header, setting) whether its value is a secret. */
import { tableOf } from './character-table.ts';

const SECRET_NAME =
  /(?:^|_)(?:api_?key|secret(?:_?(?:access_?)?key(?:_?base)?)?|client_?secret|(?:access|auth|api|bot)?token|pass|pass_?phrase|pwd|private_?key|access_?key(?:_?id)?|signing_?key|encryption_?key|credentials?)$|pass_?w(?:or)?d$/;
/** Names whose secrets show by their value too, since most keys are none: APP_KEY, TS_AUTHKEY, AZURE_DEVOPS_PAT. */
const KEY_NAME = /(?:key|_pat|_sas)$/;
/** What a key is for if it is no secret. */
const OTHER_KEY =
  /(?:public|site|publishable|cache|partition|sort|object|s3|primary|foreign|label|annotation|topology|message|lookup|index|kms|idempotency|row|hash|range|config|shard|hot|mon|bucket|file|translation)_?key$|(?<!pagerduty_)routing_?key$/;
/** The last three letters of every name that says secret or names a key: most names are done with them, or the last. */
const SECRET_ENDINGS = new Set([
  'key',
  'ret',
  'ken',
  'ase',
  'ass',
  'pwd',
  'ial',
  'als',
  'ord',
  'swd',
  'yid',
  '_id',
  '-id',
  '.id',
  ' id',
  'pat',
  'sas',
]);
const PUBLIC_NAME = /(?:public|site|publishable)_?(?:api_?)?key$|(?:max|min|next|page|continue)_token$/;
/** Names of what holds a secret, not of the secret: `--tls-secret`, IMAGE_PULL_SECRET, existingSecret. */
const HOLDER_NAME =
  /(?:^|_)(?:tls|ssl|certs?|certificate|ca|cacert|pull|registry|existing|kube|k8s|serving|storage|creds?|credentials?|password|backup|ingress|issuer|keystore|truststore|kubeconfig)_?secret$/;

/** Does a name (of a variable, flag or header) say that its value is a secret: DB_PASSWORD, apiKey, X-Auth-Token? */
export function saysSecret(name: string): boolean {
  const role = roleOfName(name);
  return role === 'secret' || role === 'holder';
}

/**
 * What a name says of its value. `secret`: it is one. `holder`: it is one, or the name of an object that holds it. `key`: it
 * is a key, which may be secret. Undefined: nothing of these.
 */
export type NameRole = 'secret' | 'holder' | 'key';

/** The role of a name. Nearly all names are done with their last letters. */
export function roleOfName(name: string): NameRole | undefined {
  if (!maySaySecret(name)) return undefined;
  const words = wordsOf(name);
  if (SECRET_NAME.test(words)) {
    if (PUBLIC_NAME.test(words)) return undefined;
    return HOLDER_NAME.test(words) || name === 'secret' ? 'holder' : 'secret';
  }
  return KEY_NAME.test(words) && !OTHER_KEY.test(words) ? 'key' : undefined;
}

const LAST_LETTERS = tableOf((letter) => [...SECRET_ENDINGS].some((ending) => ending.endsWith(letter.toLowerCase())));

function maySaySecret(name: string): boolean {
  return (
    LAST_LETTERS[name.charCodeAt(name.length - 1)] === 1 &&
    name.length <= 256 &&
    SECRET_ENDINGS.has(name.slice(-3).toLowerCase())
  );
}

function wordsOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[.\s-]+/g, '_')
    .toLowerCase();
}
