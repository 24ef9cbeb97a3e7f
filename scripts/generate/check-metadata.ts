/** What a check must say of itself, so that all that is made of it (CRD, pages, command line) is complete. */
import { Ajv } from 'ajv';
import { GROUPS, PRIORITIES, PROFILES, SCOPES, type Check } from '../../src/engine/check.ts';
import { RELATED_KINDS } from '../../src/engine/related.ts';

const SENTENCE = /^[A-Z](?!.*\s{2})[^\n]*[^.]\.$/;
const WRONG_ARTICLE = /\ba [aeio]|\ban [bcdfgjklmnpqrstvwyz]/i;

/** What is wrong with a check's metadata, a clause each that begins with the field. */
export function metadataProblems(check: Check): string[] {
  const { name, title, rationale, metWhen, remediation, group, scope, priorities, items, source } = check;
  const problems: string[] = [];
  const must = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  must(/^[a-z]+(?:[A-Z][a-z]+)*$/.test(name), 'name: must be camelCase');
  must(/^[A-Z][\w ]{3,40}$/.test(title), 'title: must be a few words of 4 to 41 characters, the first with a capital');
  must(SENTENCE.test(rationale), 'rationale: must be a sentence, or several, with a full stop');
  must(SENTENCE.test(metWhen), 'metWhen: must be a sentence with a full stop');
  must(/^[a-z][^\n]*[^.\s]$/.test(remediation), 'remediation: must be a clause that can follow a semicolon');
  for (const [field, text] of Object.entries({ title, rationale, metWhen, remediation })) {
    must(!WRONG_ARTICLE.test(text), `${field}: has an article that does not fit`);
  }
  must(GROUPS.includes(group), `group: ${group} is none of ${GROUPS.join(', ')}`);
  must(SCOPES.includes(scope), `scope: ${scope} is none of ${SCOPES.join(', ')}`);
  const profiles = PROFILES.filter((profile) => profile !== 'none').toSorted();
  must(Object.keys(priorities).toSorted().join() === profiles.join(), `priorities: must be of ${profiles.join(', ')}`);
  for (const priority of Object.values(priorities)) {
    must(PRIORITIES.includes(priority), `priorities: ${priority} is none of ${PRIORITIES.join(', ')}`);
  }
  must(items.length > 0, 'items: must name an item of the checklist');
  for (const item of items) {
    must(/^[a-z]+(?:\.[a-z0-9]+(?:-[a-z0-9]+)*){2}$/.test(item), `items: ${item} is not section.subsection.item`);
  }
  for (const kind of check.reads ?? []) must(Object.hasOwn(RELATED_KINDS, kind), `reads: ${kind} is no related kind`);
  must(
    /^https:\/\/kubernetes\.io\/docs\/[\w./#-]+$/.test(source),
    'source: must be a page of the Kubernetes documentation',
  );
  return [...problems, ...parameterProblems(check)];
}

function parameterProblems({ parameters }: Check): string[] {
  try {
    new Ajv({ strict: false }).compile(parameters);
  } catch (error) {
    return [`parameters: ${(error as Error).message}`];
  }
  const { properties = {} } = parameters as { properties?: Record<string, Record<string, unknown>> };
  return Object.entries(properties).flatMap(([name, { description, type, ...rest }]) => [
    ...(/^[a-z][A-Za-z]*$/.test(name) ? [] : [`parameters.${name}: must be camelCase`]),
    ...(SENTENCE.test(String(description)) ? [] : [`parameters.${name}: its description must be a sentence`]),
    ...missingBounds(type, rest).map((bound) => `parameters.${name}: needs ${bound}`),
  ]);
}

/** Where there could be any number, a policy must not be able to ask for it. */
function missingBounds(type: unknown, schema: Record<string, unknown>): string[] {
  const needed = { array: 'maxItems', string: 'maxLength', integer: 'maximum', number: 'maximum' }[String(type)];
  return needed === undefined || needed in schema || 'enum' in schema ? [] : [needed];
}
