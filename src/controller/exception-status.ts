/** What a ReadinessException's status says, and which Events its time asks for: pure. */
import { Type, type Static } from 'typebox';
import type { RawObject } from '../engine/workload.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import {
  concernsPolicy,
  nextStandingAt,
  standingOf,
  type CompiledException,
  type ExceptionResult,
} from '../policy/exceptions.ts';
import { conditionSchema, conditionsOf, generationOf, previousConditions, type Said } from './conditions.ts';
import { problemText } from './policies.ts';

export const ExceptionStatusSchema = Type.Object({
  observedGeneration: Type.Optional(Type.Integer({ description: 'Generation that was looked at last.', minimum: 0 })),
  conditions: Type.Optional(
    Type.Array(conditionSchema('Active or Expiring', 'exception'), {
      description: 'Active: it counts. Expiring: it does, and ends within seven days.',
      maxItems: 8,
    }),
  ),
  workloads: Type.Optional(
    Type.Integer({ description: 'Workloads that it is for and a policy concerned matches.', minimum: 0 }),
  ),
});

export type ExceptionStatus = Static<typeof ExceptionStatusSchema>;

/** How long before its end an exception is announced to expire: seven days, in milliseconds. */
export const ANNOUNCED_BEFORE = 7 * 24 * 3_600_000;

export interface ExceptionFacts {
  readonly object: RawObject;
  readonly result: ExceptionResult;
  /** The policies in force. */
  readonly policies: readonly CompiledPolicy[];
  readonly workloads: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface ExceptionOutlook {
  readonly status: ExceptionStatus;
  /** Events that are due and were not written when the present status was. */
  readonly events: readonly { readonly reason: 'ExceptionExpiring' | 'ExceptionExpired'; readonly message: string }[];
  /** When time alone changes the status, milliseconds since 1970; undefined: never. */
  readonly recheckAt: number | undefined;
}

export function exceptionOutlook(facts: ExceptionFacts): ExceptionOutlook {
  const { object, result, policies, workloads, now } = facts;
  const previous = previousConditions(object);
  const before = (type: string) => previous.find((condition) => condition.type === type);
  const exception = 'exception' in result ? result.exception : undefined;
  const active = activeOf(result, policies, now);
  const expiring = expiringOf(exception, active, now);
  const events: ExceptionOutlook['events'][number][] = [];
  if (expiring.status === 'True' && before('Expiring')?.status !== 'True') {
    events.push({ reason: 'ExceptionExpiring', message: `${expiring.message} ${WHAT_THEN}` });
  }
  if (active.reason === 'Expired' && before('Active')?.reason !== 'Expired') {
    events.push({ reason: 'ExceptionExpired', message: active.message });
  }
  return {
    status: {
      observedGeneration: generationOf(object),
      conditions: conditionsOf([active, expiring], object, now),
      workloads: active.status === 'True' ? workloads : 0,
    },
    events,
    recheckAt: exception === undefined ? undefined : recheckAt(exception, policies, now),
  };
}

const WHAT_THEN = 'From then on its findings count again: mend them, or ask for a later expiresAt.';

function activeOf(result: ExceptionResult, policies: readonly CompiledPolicy[], now: number): Said {
  const type = 'Active';
  if ('problems' in result) {
    const unknownCheck = result.problems.some(({ message }) => message.startsWith('unknown check'));
    const message = `${result.problems.slice(0, 5).map(problemText).join('; ')}. Until it is mended, it does not count.`;
    return { type, status: 'False', reason: unknownCheck ? 'UnknownCheck' : 'Invalid', message };
  }
  const { exception } = result;
  const end = new Date(exception.expiresAt).toISOString();
  if (now >= exception.expiresAt) {
    return { type, status: 'False', reason: 'Expired', message: `Expired at ${end}: its findings count again.` };
  }
  const concerned = policies.filter(({ name }) => concernsPolicy(exception, name));
  const tooLong = concerned.filter((policy) => standingOf(exception, policy, now) === 'TooLong');
  const names = tooLong.map(({ name }) => name).join(', ');
  const beyond = `it reaches further ahead than exceptions.maxDuration of ${names} allows; set an earlier expiresAt`;
  if (concerned.length === 0) {
    return { type, status: 'False', reason: 'NoPolicy', message: 'No policy that it concerns is in force.' };
  }
  if (tooLong.length === concerned.length) {
    return { type, status: 'False', reason: 'TooLong', message: `It does not count: ${beyond}.` };
  }
  const partly = tooLong.length === 0 ? '' : ` For some policies it does not count: ${beyond}.`;
  return { type, status: 'True', reason: 'InForce', message: `Counts until ${end}.${partly}` };
}

function expiringOf(exception: CompiledException | undefined, active: Said, now: number): Said {
  const type = 'Expiring';
  if (exception === undefined || active.status !== 'True') {
    return { type, status: 'False', reason: 'NotActive', message: 'It does not count.' };
  }
  const end = new Date(exception.expiresAt).toISOString();
  if (now < exception.expiresAt - ANNOUNCED_BEFORE) {
    return { type, status: 'False', reason: 'NotYet', message: `Expires at ${end}.` };
  }
  return { type, status: 'True', reason: 'WithinSevenDays', message: `Expires at ${end}.` };
}

function recheckAt(exception: CompiledException, policies: readonly CompiledPolicy[], now: number): number | undefined {
  const announced = exception.expiresAt - ANNOUNCED_BEFORE;
  const times = policies
    .filter(({ name }) => concernsPolicy(exception, name))
    .map((policy) => nextStandingAt(exception, policy, now));
  const next = [...times, announced, exception.expiresAt].filter(
    (time): time is number => time !== undefined && time > now,
  );
  return next.length === 0 ? undefined : Math.min(...next);
}
