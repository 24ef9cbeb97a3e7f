/**
 * What the nodes of a YAML document mean: aliases, merge keys, and where a path stands.
 *
 * The rules are those of kubectl's own parser (go-yaml), so that a manifest means here what it means in the cluster.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type Document,
  type Node,
  type Pair,
  type ScalarTag,
  type YAMLMap,
} from 'yaml';
import type { Path } from '../engine/path.ts';

/** Deepest nesting, before and after aliases are followed. Beyond a few thousand levels the stack would not suffice. */
export const DEEPEST = 200;
/** Most nodes a document may have once its aliases are followed. */
const MOST_NODES = 2_000_000;
const MOST_ALIASES = 10_000;

/** Something that a document may not contain. */
export class NodeError extends Error {
  /** In UTF-16 code units from the start of the text that was parsed. */
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.name = 'NodeError';
    this.offset = offset;
  }
}

/** kubectl reads YAML 1.1 here: `value: yes` is a boolean, which the API server then refuses as a string. */
const OLD_BOOLEAN: ScalarTag = {
  default: true,
  tag: 'tag:yaml.org,2002:bool',
  test: /^(?:[Yy]|[Yy]es|YES|[Nn]|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$/,
  resolve: (text) => /^(?:y|yes|on)$/i.test(text),
};

/** `defaultMode: 0644`. */
const OLD_OCTAL: ScalarTag = {
  default: true,
  tag: 'tag:yaml.org,2002:int',
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};

/** The scalars that kubectl knows beyond YAML 1.2. */
export const OLD_SCALARS: readonly ScalarTag[] = [OLD_BOOLEAN, OLD_OCTAL];

/** Which node each alias of a document stands for. */
export type Aliases = ReadonlyMap<Alias, Node>;

interface Extent {
  readonly nodes: number;
  readonly depth: number;
}

/**
 * Follows the aliases of a document and holds it to bounds, so that nothing that reads it afterwards can run out of time,
 * memory or stack.
 *
 * @throws NodeError on an alias without an anchor or inside its own, a key that stands twice or is not plain text, a merge
 *   of something that is no mapping, and on a document that is too large or too deep once its aliases are followed
 */
export function resolveAliases(document: Document): Aliases {
  const aliases = new Map<Alias, Node>();
  const anchors = new Map<string, Node>();
  /** Undefined while the walk is inside the node. */
  const extents = new Map<Node, Extent | undefined>();

  const walk = (node: unknown): Extent => {
    if (isAlias(node)) return extentOfAlias(node);
    if (!isMap(node) && !isSeq(node)) {
      if (isScalar(node) && node.anchor !== undefined) {
        anchors.set(node.anchor, node);
        extents.set(node, LEAF);
      }
      return LEAF;
    }
    if (node.anchor !== undefined) {
      anchors.set(node.anchor, node);
      extents.set(node, undefined);
    }
    let nodes = 1;
    let depth = 0;
    const add = (part: Extent): void => {
      nodes += part.nodes;
      depth = Math.max(depth, part.depth);
    };
    if (isSeq(node)) for (const item of node.items) add(walk(item));
    else {
      const keys = new Set<string>();
      for (const { key, value } of node.items) {
        add(walk(key));
        add(walk(value));
        if (isMergeKey(key)) requireMappings(key, value);
        else requireNewKey(key, keys);
      }
    }
    depth += 1;
    if (depth > DEEPEST) throw new NodeError(offsetOf(node), TOO_DEEP);
    if (nodes > MOST_NODES) throw new NodeError(offsetOf(node), 'is too large once its aliases are followed');
    const extent = { nodes, depth };
    if (node.anchor !== undefined) extents.set(node, extent);
    return extent;
  };

  const extentOfAlias = (alias: Alias): Extent => {
    const target = anchors.get(alias.source);
    if (target === undefined)
      throw new NodeError(offsetOf(alias), `no anchor &${alias.source} stands before this alias`);
    const extent = extents.get(target);
    if (extent === undefined)
      throw new NodeError(offsetOf(alias), `the alias *${alias.source} stands inside its own anchor`);
    aliases.set(alias, target);
    if (aliases.size > MOST_ALIASES) throw new NodeError(offsetOf(alias), `more than ${MOST_ALIASES} aliases`);
    return extent;
  };

  const requireNewKey = (key: unknown, keys: Set<string>): void => {
    const text = keyText(isAlias(key) ? aliases.get(key) : key);
    if (text === undefined) throw new NodeError(offsetOf(key), 'a mapping or list stands where a key belongs');
    if (keys.has(text)) throw new NodeError(offsetOf(key), `the key ${text} stands here a second time`);
    keys.add(text);
  };

  const requireMappings = (key: unknown, value: unknown): void => {
    const whole = resolved(value, aliases);
    const sources = isSeq(whole) ? whole.items : [whole];
    if (!sources.every((source) => isMap(resolved(source, aliases)))) {
      throw new NodeError(offsetOf(key), '<< takes a mapping or a list of mappings');
    }
  };

  walk(document.contents);
  return aliases;
}

const LEAF: Extent = { nodes: 1, depth: 0 };

/** Why a document is refused that nests too deeply. */
export const TOO_DEEP = `nests more than ${DEEPEST} levels deep`;

/**
 * Finds where a path stands: the scalar itself, the key of a mapping's field that holds a mapping, list or nothing, the
 * first line of a list's entry. Where the document ends before the path, its nearest existing ancestor is the place. What
 * comes in by an alias or a merge key stands where it was written.
 *
 * @returns offset in UTF-16 code units
 */
export function offsetAt(document: Document, aliases: Aliases, path: Path): number {
  let node: unknown = document.contents;
  let offset = offsetOf(node);
  for (const step of path) {
    const whole = resolved(node, aliases);
    if (isMap(whole)) {
      const pair = pairOf(whole, String(step), aliases);
      if (pair === undefined) break;
      node = pair.value;
      const value = resolved(node, aliases);
      const own = isScalar(value) && value.value !== null;
      offset = offsetOf(own ? node : pair.key);
    } else if (isSeq(whole)) {
      const item: unknown = typeof step === 'number' ? whole.items[step] : undefined;
      if (item === undefined) break;
      node = item;
      offset = offsetOf(node);
    } else {
      break;
    }
  }
  return offset;
}

/** The pair of a key: the mapping's own, else that of the first mapping merged into it that has one. */
function pairOf(map: YAMLMap, key: string, aliases: Aliases): Pair | undefined {
  const own = map.items.find((pair) => !isMergeKey(pair.key) && keyText(resolved(pair.key, aliases)) === key);
  if (own !== undefined) return own;
  for (const { key: merge, value } of map.items) {
    if (!isMergeKey(merge)) continue;
    const whole = resolved(value, aliases);
    for (const source of isSeq(whole) ? whole.items : [whole]) {
      const mapping = resolved(source, aliases);
      const found = isMap(mapping) ? pairOf(mapping, key, aliases) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function resolved(node: unknown, aliases: Aliases): unknown {
  return isAlias(node) ? aliases.get(node) : node;
}

/** The library gives an unquoted `<<` a symbol for its value. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'symbol';
}

/** A key as the object has it; undefined for a mapping or a list. */
function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return key === null ? '' : undefined;
  const { value } = key;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function offsetOf(node: unknown): number {
  return (node as { readonly range?: readonly number[] | null } | null)?.range?.[0] ?? 0;
}
