/**
 * The conditions, in CEL, under which the API server calls the webhook at all. They repeat what the webhook itself decides
 * (webhook/review.ts), so that what is never judged never leaves the API server: it works with every replica gone.
 *
 * They may let through only what the webhook would. An expression that fails refuses each request of a policy that denies,
 * and without a call; so each optional field is asked for with the optional syntax of CEL, and what has another shape than
 * the expression expects, as objects of custom kinds may, is for the webhook to look at.
 */
import type { WorkloadKind } from '../engine/kinds.ts';
import type { Path } from '../engine/path.ts';
import {
  type Exemptions,
  MIRROR_POD_ANNOTATION,
  NODE_USER_PREFIX,
  quotedUser,
  RESTARTED_AT,
} from '../policy/exemptions.ts';

/** A match condition of admissionregistration.k8s.io/v1. */
export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

/**
 * The longest expression for the changes of one kind, in characters. The API server takes 100,000 in all, and each of our
 * entries bears one; a kind that would need more is compared as a whole.
 */
const LONGEST_FOR_A_KIND = 2000;

/**
 * The most entries of a map that are compared one by one. The API server takes time that grows with the square of their
 * number (20,000 annotations: 5 s); where there are more, the webhook is asked.
 */
const MOST_COMPARED = 200;

/**
 * Only what can change a verdict: a new version of what the pods are made of, or another replica count.
 *
 * @param kinds - those that the entry is about
 * @param labelsCount - labels can make a workload one of the policy's
 */
export function changesWhatIsJudged(kinds: readonly WorkloadKind[], labelsCount: boolean): MatchCondition {
  const changes = ["request.operation == 'CREATE'", ...newVersions(kinds), ...otherCounts(kinds)];
  if (labelsCount) changes.push('object.metadata.?labels != oldObject.metadata.?labels');
  return { name: 'changes-what-is-judged', expression: changes.join(' || ') };
}

/** Of a resize: whatever it changes of the Pod. */
export const RESIZES: MatchCondition = { name: 'changes-what-is-judged', expression: differ(['spec']) };

export const LABELS_CHANGE: MatchCondition = {
  name: 'changes-labels',
  expression: 'object.metadata.?labels != oldObject.metadata.?labels',
};

export const SPEC_CHANGES: MatchCondition = {
  name: 'changes-spec',
  expression: "request.operation == 'CREATE' || object.?spec != oldObject.?spec",
};

/** Raising the count is never denied, unless there is a limit. */
export const SCALES = scaleCondition('scales', '!=');
export const SCALES_DOWN = scaleCondition('scales-down', '<');

function scaleCondition(name: string, comparison: '!=' | '<'): MatchCondition {
  const count = '?spec.?replicas.orValue(0)';
  return { name, expression: `object.${count} ${comparison} oldObject.${count}` };
}

/** Never what is being deleted, nor what excluded users, Kubernetes' own controllers and nodes do. */
export function neverJudged({ users }: Exemptions): MatchCondition[] {
  const names = [...users].map(quotedUser).join(', ');
  return [
    { name: 'not-being-deleted', expression: '!object.?metadata.?deletionTimestamp.hasValue()' },
    { name: 'not-a-controller', expression: `!(request.userInfo.username in [${names}])` },
    {
      name: 'not-a-mirror-pod',
      expression: `!(request.userInfo.username.startsWith('${NODE_USER_PREFIX}') && object.?metadata.?annotations[?'${MIRROR_POD_ANNOTATION}'].hasValue())`,
    },
  ];
}

/** One expression, by the kind of the object; none if there are no kinds. */
function newVersions(kinds: readonly WorkloadKind[]): string[] {
  const byExpression = Map.groupBy(kinds, (kind) => bounded(newVersion(kind), kind.template));
  const [first, ...others] = byExpression;
  if (first === undefined) return [];
  const [otherwise] = first;
  return [others.reduce((rest, [expression, those]) => `(${isOneOf(those)} ? ${expression} : ${rest})`, otherwise)];
}

function otherCounts(kinds: readonly WorkloadKind[]): string[] {
  const counted = kinds.filter(({ replicas }) => replicas !== undefined);
  const byPath = Map.groupBy(counted, ({ replicas = [] }) => bounded(differ(replicas), replicas));
  return [...byPath].map(([expression, those]) => `${isOneOf(those)} && ${expression}`);
}

/** Each kind is judged in one group only, so that its name says all. */
function isOneOf(kinds: readonly WorkloadKind[]): string {
  return `request.kind.kind in [${kinds.map(({ kind }) => `'${kind}'`).join(', ')}]`;
}

/** An expression, or one that is true more often if that is too long. @param path - of what it compares */
function bounded(expression: string, path: Path): string {
  return expression.length <= LONGEST_FOR_A_KIND ? expression : differ(path.slice(0, 1));
}

/** Is there a new version of what the pods of a kind are made of? What is compared by less is of Kubernetes: its shape is sure. */
function newVersion({ template, versionedBy }: WorkloadKind): string {
  if (versionedBy === undefined) return ifChanged(template, templatesDiffer(template));
  return `(${['containers', 'initContainers'].map((list) => unequal([...template, 'spec', list])).join(' || ')})`;
}

/** Do two templates differ in more than the annotation that `kubectl rollout restart` sets? */
function templatesDiffer(path: Path): string {
  const annotations = (template: string): string => `${template}.metadata[?'annotations'].orValue({})`;
  const isComparable = (map: string): string => `type(${map}) == map && size(${map}) <= ${MOST_COMPARED}`;
  const both = ['t', 't.metadata', annotations('t')].map(isComparable).join(' && ');
  const differences = [
    // Where metadata is left out on either side, there is no annotation that could be the only difference.
    `![n, o].all(t, has(t.metadata) && ${both})`,
    entriesDiffer('n', 'o', 'metadata'),
    entriesDiffer('n.metadata', 'o.metadata', 'annotations'),
    entriesDiffer(annotations('n'), annotations('o'), RESTARTED_AT),
  ];
  const [now, old] = [at('object', path), at('oldObject', path)].map((template) => `dyn(${template}.orValue({}))`);
  return `[${now}].exists(n, [${old}].exists(o, n != o && (${differences.join(' || ')})))`;
}

/** Do two maps differ in more than one entry? Each is named once, or it would be worked out again for each of its keys. */
function entriesDiffer(one: string, other: string, except: string): string {
  const isOther = (condition: string): string => `exists(k, k != '${except}' && ${condition})`;
  return `[dyn(${one})].exists(a, [dyn(${other})].exists(b, a.${isOther('a[?k] != b[?k]')} || b.${isOther('!(k in a)')}))`;
}

/** Is what stands at a path another than before? */
function differ(path: Path): string {
  return path.length === 1 ? unequal(path) : ifChanged(path, unequal(path));
}

/**
 * An expression about what stands at a path, where the fields above have the shape that it expects. Where one has not it is
 * true, unless the first of them is as it was.
 */
function ifChanged(path: Path, expression: string): string {
  const above = path.slice(0, -1).map((_, index) => `type(${at('x', path.slice(0, index + 1))}.orValue({})) != map`);
  const unexpected = above.length === 0 ? '' : `[object, oldObject].exists(x, ${above.join(' || ')}) || `;
  return `(${unequal(path.slice(0, 1))} && (${unexpected}${expression}))`;
}

/** As `differ`, of a path above which everything has the expected shape. */
function unequal(path: Path): string {
  return `${at('object', path)} != ${at('oldObject', path)}`;
}

/** The optional value at a path. */
function at(root: string, path: Path): string {
  return root + path.map((step) => `[?'${step}']`).join('');
}
