/**
 * Keeps the webhook's serving certificate: every replica watches the one Secret and serves what it holds; the leader
 * alone writes to it, and only to one that the operator made. What is decided stands in certificate-plan.ts (the Secret)
 * and certificate-exchange.ts (what is served and trusted); here are the API server and the clocks.
 */
import { hasStatus, pathOf, type KubeClient } from '../kube/client.ts';
import type { Cancel, Clock } from '../kube/clock.ts';
import { Informer, type WatchHealth } from '../kube/informer.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Logger } from '../logger.ts';
import {
  authoritiesOf,
  contentOf,
  dataOf,
  isOwn,
  OWN_LABEL,
  read,
  ROTATE_ANNOTATION,
  type Content,
  type SecretObject,
  type Texts,
} from './certificate-content.ts';
import { CertificateExchange, type Instant, type ServingCertificate } from './certificate-exchange.ts';
import { planOf, rotationOf, TIMES, type CertificateMode, type CertificateTimes } from './certificate-plan.ts';

export interface CertificateKeeperOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly mode: CertificateMode;
  readonly namespace: string;
  readonly secretName: string;
  /** DNS names and IP addresses under which the API server calls the webhook. */
  readonly hosts: readonly string[];
  /** Told that another certificate is to be served. */
  readonly onServing: (certificate: ServingCertificate) => void;
  /** Told that the webhook configurations are to trust other authorities. */
  readonly onTrust: () => void;
  readonly times?: CertificateTimes;
}

const SECRETS = { group: '', version: 'v1', resource: 'secrets' };

/** A Secret as the watch shows it. */
interface Seen {
  readonly isOwn: boolean;
  readonly content: Content;
}

export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions;
  readonly #times: CertificateTimes;
  readonly #informer: Informer<Seen>;
  readonly #queue: WorkQueue;
  readonly #exchange: CertificateExchange;
  /** Since when the webhook configurations have had a CA (steady clock), by its id. */
  #trustedSince = new Map<string, number>();
  /** The Secret of ours that was seen last, to be restored if somebody deletes it. */
  #last: Texts | undefined;
  /** What was told last. */
  #served: ServingCertificate | undefined;
  #caBundle = '';
  readonly #first = Promise.withResolvers<ServingCertificate>();
  #leading = false;
  #cancelTimer: Cancel | undefined;
  /** What was said of a Secret that is not ours, so that it is said once. */
  #told = '';

  constructor(options: CertificateKeeperOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
    this.#exchange = new CertificateExchange(this.#times);
    const { client, logger, namespace, secretName } = options;
    this.#informer = new Informer<Seen>({
      client,
      group: SECRETS.group,
      versions: [SECRETS.version],
      resource: SECRETS.resource,
      namespace,
      fieldSelector: `metadata.name=${secretName}`,
      keep: (secret: SecretObject) => ({ isOwn: isOwn(secret), content: contentOf(secret) }),
      onChange: (_key, _before, seen) => this.#observe(seen),
      onError: (error, what) => logger.warn('watching the certificate', { secret: this.#secret, what, error }),
    });
    this.#queue = new WorkQueue({
      clock: client.clock,
      reconcile: () => this.#reconcile(),
      onError: (_key, error, retryIn) =>
        // Another writer was faster: what it wrote is read next.
        hasStatus(error, 409)
          ? logger.info('the certificate was changed by somebody else', { secret: this.#secret, retryIn })
          : logger.error('the certificate could not be brought in order', { secret: this.#secret, error, retryIn }),
    });
  }

  /** Starts to watch. */
  start(): void {
    this.#informer.start();
  }

  async stop(): Promise<void> {
    this.unlead();
    this.#queue.stop();
    this.#cancelTimer?.();
    await this.#informer.stop();
  }

  /** Resolves when there is a certificate to serve. */
  get first(): Promise<ServingCertificate> {
    return this.#first.promise;
  }

  /** How the watch of the Secret is. */
  get health(): WatchHealth {
    const { state, lastEvent, idleFor } = this.#informer;
    return { resource: `secrets/${this.#options.secretName}`, state, lastEvent, idleFor };
  }

  /** The certificate to serve; undefined as long as there was none. One that was there stays until there is a better one. */
  get serving(): ServingCertificate | undefined {
    return this.#exchange.serving;
  }

  /** All certificate authorities that the webhook configurations are to trust, as PEM; empty: those of the system. */
  get caBundle(): string {
    return this.#exchange.caBundle;
  }

  /** What keeps the API server from trusting this replica, in words; undefined if nothing does. */
  get missing(): string | undefined {
    const { serving } = this;
    if (serving !== undefined) {
      return serving.expires > this.#clock.now()
        ? undefined
        : `the serving certificate in Secret ${this.#secret} expired at ${new Date(serving.expires).toISOString()}`;
    }
    const { state } = this.#informer;
    if (state.state === 'failed') return `Secret ${this.#secret} can't be read: ${state.cause}`;
    const seen = this.#seen;
    if (seen !== undefined) return `Secret ${this.#secret} can't be used: ${seen.content.flaw}${this.#cureOf(seen)}`;
    if (this.#options.mode === 'Managed') return `waiting for the leader to make Secret ${this.#secret}`;
    return `waiting for Secret ${this.#secret} with tls.crt, tls.key and ca.crt (--certificate Provided)`;
  }

  /** From now on this replica writes the Secret. */
  lead(): void {
    this.#leading = true;
    this.#queue.add('');
  }

  /** From now on another replica does. */
  unlead(): void {
    this.#leading = false;
    this.#trustedSince.clear();
  }

  /** To be told by the leader each time that all webhook configurations are known to trust these authorities (PEM). */
  trusted(caBundle: string): void {
    const { steady } = this.#instant();
    const before = this.#trustedSince;
    this.#trustedSince = new Map(authoritiesOf(caBundle).map(({ id }) => [id, before.get(id) ?? steady]));
    const isNews = [...this.#trustedSince.keys()].some((id) => !before.has(id));
    if (isNews && this.#leading) this.#queue.add('');
  }

  get #clock(): Clock {
    return this.#options.client.clock;
  }

  get #secret(): string {
    return `${this.#options.namespace}/${this.#options.secretName}`;
  }

  get #seen(): Seen | undefined {
    return this.#informer.get(this.#secret);
  }

  #instant(): Instant {
    return { now: this.#clock.now(), steady: this.#clock.monotonic() };
  }

  #observe(seen: Seen | undefined): void {
    if (seen !== undefined) {
      if (seen.isOwn && seen.content.leaf !== undefined) this.#last = seen.content.texts;
      this.#exchange.observe(seen.content, this.#instant());
      this.#tellOfForeign(seen);
    }
    this.#exchanged();
    if (this.#leading) this.#queue.add('');
  }

  /** Tells those who must know what the exchange says now. */
  #exchanged(): void {
    this.#exchange.tick(this.#instant());
    const { serving, caBundle } = this.#exchange;
    if (serving !== undefined && serving !== this.#served) {
      this.#served = serving;
      this.#options.onServing(serving);
      this.#first.resolve(serving);
    }
    if (caBundle !== this.#caBundle) {
      this.#caBundle = caBundle;
      this.#options.onTrust();
    }
    this.#cancelTimer?.();
    const wakeIn = this.#exchange.wakeIn(this.#instant());
    if (wakeIn !== undefined) this.#cancelTimer = this.#clock.after(wakeIn, () => this.#exchanged());
  }

  #tellOfForeign(seen: Seen): void {
    const { mode, logger } = this.#options;
    const text = seen.content.flaw ?? '';
    const told = `${seen.isOwn} ${text}`;
    if (told === this.#told) return;
    this.#told = told;
    if (text !== '') logger.error('the certificate can not be used', { secret: this.#secret, cause: text });
    if (mode === 'Managed' && !seen.isOwn) {
      logger.warn('the Secret was not made by the operator: it is used as it is and never written', {
        secret: this.#secret,
        cure: this.#cureOf(seen).slice(2),
      });
    }
  }

  #cureOf({ isOwn }: Seen): string {
    if (this.#options.mode === 'Provided' || isOwn) return '';
    return '; it was not made by the operator (label app.kubernetes.io/managed-by), so it is never written: run with --certificate Provided, or delete it to have a new one made';
  }

  /** Brings the Secret in order, as the leader. */
  async #reconcile(): Promise<void> {
    const { client, mode, namespace, secretName, logger, hosts } = this.#options;
    if (!this.#leading || mode === 'Provided') return;
    // Read from the API server, not from the informer: what is written must follow on what is there.
    const present = await client.getIfThere<SecretObject>(pathOf(SECRETS, namespace, secretName));
    if (present !== undefined && !isOwn(present)) return;
    const last = this.#last === undefined ? undefined : read(this.#last);
    const content = present === undefined ? last : contentOf(present);
    const plan = planOf(content, {
      now: this.#clock.now(),
      hosts,
      rotation: this.#rotationAsked(present),
      trustedFor: ({ id }) => this.#trustedFor(id),
      times: this.#times,
    });
    if (plan.act) {
      // Loaded only here: most starts find a good certificate and never need it.
      const { carryOut } = await import('./certificate-maker.ts');
      const texts = await carryOut(plan, content, { now: this.#clock.now(), hosts, times: this.#times });
      if (!this.#leading) return;
      await this.#write(present, texts, plan.isAnswer);
      logger.info('certificate written', { secret: this.#secret, why: plan.why, newCA: plan.signing === undefined });
    } else if (present === undefined && content !== undefined) {
      await this.#write(present, content.texts, false);
      logger.warn('the certificate was deleted and is restored', { secret: this.#secret });
    } else {
      this.#queue.addAfter('', plan.lookAgainIn);
    }
  }

  #rotationAsked(present: SecretObject | undefined): ReturnType<typeof rotationOf> {
    try {
      return rotationOf(present?.metadata.annotations?.[ROTATE_ANNOTATION]);
    } catch (error) {
      this.#options.logger.error('a rotation was asked for', { secret: this.#secret, error });
      return undefined;
    }
  }

  #trustedFor(id: string): number | undefined {
    const since = this.#trustedSince.get(id);
    return since === undefined ? undefined : this.#clock.monotonic() - since;
  }

  /** Writes over what was read; somebody else's labels and annotations stay. @throws ApiError 409 if it changed since */
  async #write(present: SecretObject | undefined, texts: Texts, isAnswer: boolean): Promise<void> {
    const { client, namespace, secretName } = this.#options;
    const { [ROTATE_ANNOTATION]: asked, ...annotations } = present?.metadata.annotations ?? {};
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: {
        name: secretName,
        namespace,
        labels: { ...present?.metadata.labels, [OWN_LABEL.key]: OWN_LABEL.value },
        annotations: isAnswer || asked === undefined ? annotations : { ...annotations, [ROTATE_ANNOTATION]: asked },
        ...(present === undefined ? {} : { resourceVersion: present.metadata.resourceVersion }),
      },
      data: dataOf(texts),
    };
    if (present === undefined) await client.request('POST', pathOf(SECRETS, namespace), { body });
    else await client.request('PUT', pathOf(SECRETS, namespace, secretName), { body });
  }
}
