/**
 * Container image references, by the grammar of github.com/distribution/reference:
 * `[registry[:port]/]path[:tag][@digest]`.
 */
import { remembering } from './remember.ts';

export interface ImageReference {
  /** Registry with port, or undefined where the reference names none (a container runtime then assumes its default). */
  readonly registry: string | undefined;
  /** Repository path without registry, tag and digest. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `algorithm:hex`. */
  readonly digest: string | undefined;
}

const LONGEST_NAME = 255;
/** Hex digits of the algorithms that github.com/opencontainers/go-digest knows; it refuses all others. */
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };
const DIGEST = /^(sha256|sha384|sha512):([0-9a-f]+)$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DOMAIN =
  /^(?:\[[0-9A-Fa-f:]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::[0-9]+)?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

function isDigest(text: string): boolean {
  const [, algorithm = '', hex] = DIGEST.exec(text) ?? [];
  return hex !== undefined && hex.length === DIGEST_LENGTHS[algorithm];
}

/** Parses an image reference. @returns undefined if it does not follow the grammar (a container runtime refuses it too). */
export const parseImage = remembering((text: string): ImageReference | undefined => {
  if (text.length > LONGEST_NAME + 1 + 128 + 1 + 256) return undefined;
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) return undefined;

  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) return undefined;

  const name = colon < 0 ? named : named.slice(0, colon);
  if (name.length > LONGEST_NAME) return undefined;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isRegistry = /[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const registry = isRegistry ? first : undefined;
  if (registry !== undefined && !DOMAIN.test(registry)) return undefined;
  const repository = isRegistry ? name.slice(slash + 1) : name;
  if (!repository.split('/').every((component) => COMPONENT.test(component))) return undefined;
  return { registry, repository, tag, digest };
});
