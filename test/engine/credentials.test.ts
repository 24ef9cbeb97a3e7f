import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { credentialIn, isSecretLiteral } from '../../src/engine/credentials.ts';
import { isInnocent } from '../../src/engine/innocent-values.ts';
import { isPlaceholder } from '../../src/engine/placeholders.ts';
import { saysSecret } from '../../src/engine/secret-names.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

/** What hardcodedCredentials makes of a variable. */
function holdsCredential(name: string, value: string): boolean {
  return credentialIn(value) !== undefined || (saysSecret(name) && !isInnocent(value) && !isPlaceholder(value, true));
}

const FAKE = 'FAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKE';
const HEX = '0123456789abcdef'.repeat(4);
const fake = (length: number): string => FAKE.slice(0, length);
const hex = (length: number): string => HEX.slice(0, length);

/** Values that are credentials by their format, wherever they stand. */
const BY_FORMAT: readonly (readonly [kind: string, value: string])[] = [
  ['a private key', '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----'],
  ['a private key', '-----BEGIN RSA PRIVATE KEY-----'],
  ['a private key', '-----BEGIN EC PRIVATE KEY-----'],
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ['a private key', '-----BEGIN ENCRYPTED PRIVATE KEY-----'],
  ['a private key', '-----BEGIN PGP PRIVATE KEY BLOCK-----'],
  ['an AWS access key', 'AKIAIOSFODNN7EXAMPLE'],
  ['an AWS access key', 'ASIAIOSFODNN7EXAMPLE'],
  ['a GitHub token', `ghp_${fake(36)}`],
  ['a GitHub token', `gho_${fake(36)}`],
  ['a GitHub token', `ghu_${fake(36)}`],
  ['a GitHub token', `ghs_${fake(36)}`],
  ['a GitHub token', `ghr_${fake(36)}`],
  ['a GitHub token', `github_pat_${fake(22)}_${fake(59)}`],
  ['a GitLab token', `glpat-${fake(20)}`],
  ['a GitLab token', `gldt-${fake(20)}`],
  ['a GitLab token', `glcbt-${fake(20)}`],
  ['a Slack token', 'xoxb-FAKE-FAKE-FAKEFAKE'],
  ['a Slack token', 'xoxp-FAKE-FAKE-FAKEFAKE'],
  ['a Slack webhook', `https://hooks.slack.com/services/T${fake(8)}/B${fake(8)}/${fake(24)}`],
  ['an API key of Anthropic', `sk-ant-api03-${fake(40)}`],
  ['an API key of OpenAI', `sk-${fake(48)}`],
  ['an API key of OpenAI', `sk-proj-${fake(40)}`],
  ['an API key of OpenAI', `sk-svcacct-${fake(10)}_${fake(10)}-${fake(10)}`],
  ['a Google API key', `AIza${fake(35)}`],
  ['a Hugging Face token', `hf_${fake(34)}`],
  ['a Stripe key', `sk_test_${fake(24)}`],
  ['a Stripe key', `rk_live_${fake(24)}`],
  ['a Stripe webhook secret', `whsec_${fake(32)}`],
  ['a SendGrid key', `SG.${fake(22)}.${fake(43)}`],
  ['a Twilio key', `SK${hex(32)}`],
  ['an npm token', `npm_${fake(36)}`],
  ['a PyPI token', `pypi-AgEIcHlwaS5vcmc${fake(40)}`],
  ['a DigitalOcean token', `dop_v1_${hex(64)}`],
  ['a Vault token', `hvs.${fake(24)}`],
  ['a Vault token', `hvb.${fake(24)}`],
  ['a Databricks token', `dapi${hex(32)}`],
  ['a Grafana token', `glsa_${fake(32)}_${hex(8)}`],
  ['a Docker Hub token', `dckr_pat_${fake(27)}`],
  ['a JSON Web Token', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJmYWtlIn0.ZmFrZQ'],
  ['a JSON Web Token', 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJmYWtlIn0.'.concat('x')],
  ['an Azure storage key', `DefaultEndpointsProtocol=https;AccountName=fake;AccountKey=${fake(60)}==;`],
  ['an Azure storage key', `Endpoint=sb://fake.example.com/;SharedAccessKey=${fake(43)}=`],
  ['a URL with a password', 'postgres://app:f4kepassword@db:5432/app'],
  ['a URL with a password', 'redis://:f4kepassword@cache:6379/0'],
  ['a URL with a password', 'amqp://guest:guest@rabbit:5672/'],
  ['a URL with a password', 'mongodb+srv://app:f4kepassword@cluster0.example.com/app?retryWrites=true'],
  ['a URL with a password', 'https://oauth2:f4kepassword@git.example.com/shop.git'],
  ['a URL with a password', 'mysql://root:root@db/app'],
  ['a URL with a password', 'postgres://app:$ecr3t@db/app'],
  ['a URL with a password', 'postgres://app:p%40ss%2Fw0rd@db/app'],
  ['a URL with a password', 'brokers: amqp://$(USER):$(PASS)@a, amqp://app:f4kepassword@b'],
  ['a connection string with a password', 'Server=db;Database=shop;User Id=sa;Password=f4kepassword;'],
  ['a connection string with a password', 'server=db;uid=sa;pwd=f4kepassword'],
  ['a connection string with a password', 'jdbc:postgresql://db/shop?user=shop&password=f4kepassword&ssl=true'],
  ['a connection string with a password', 'host=db user=app password=f4kepassword dbname=app'],
];

/** Literals that only their name betrays. */
const BY_NAME: readonly (readonly [name: string, value: string])[] = [
  ['PASSWORD', 'f4kepassword'],
  ['DB_PASSWORD', 'f4kepassword'],
  ['PGPASSWORD', 'f4kepassword'],
  ['MYSQL_ROOT_PASSWORD', 'f4kepassword'],
  ['MYSQL_PWD', 'f4kepassword'],
  ['dbPassword', 'f4kepassword'],
  ['spring.datasource.password', 'f4kepassword'],
  ['REDIS_PASSWD', 'f4kepassword'],
  ['KEY_PASSPHRASE', 'correct horse battery staple'],
  ['API_KEY', 'f4ke-f4ke-f4ke'],
  ['apiKey', 'f4ke-f4ke-f4ke'],
  ['APIKEY', 'f4ke-f4ke-f4ke'],
  ['X-Api-Key', 'f4ke-f4ke-f4ke'],
  ['AUTH_TOKEN', 'f4kef4kef4ke'],
  ['TOKEN', '84738291'],
  ['X-Auth-Token', 'f4kef4kef4ke'],
  ['CLIENT_SECRET', 'f4kef4kef4ke'],
  ['JWT_SECRET', 'f4ke$f4ke'],
  ['SECRET_KEY', 'f4kef4kef4ke'],
  ['SECRET_KEY_BASE', hex(64)],
  ['AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
  ['PRIVATE_KEY', fake(64)],
  ['ENCRYPTION_KEY', fake(32)],
  ['SIGNING_KEY', fake(32)],
  ['GOOGLE_CREDENTIALS', '{"type":"service_account"}'],
  ['ADMIN_PASSWORD', 'prefix-$(RANDOM)'],
];

/** Not credentials, whether by name or by value. */
const INNOCENT: readonly (readonly [name: string, value: string])[] = [
  ['TOKEN_TTL_SECONDS', '3600'],
  ['PASSWORD_FILE', '/run/pw'],
  ['POSTGRES_PASSWORD_FILE', '/run/secrets/db'],
  ['FEATURE_SECRET_SANTA', 'true'],
  ['SECRET_NAME', 'checkout-db'],
  ['SECRET_STORE', 'vault'],
  ['TOKEN_URL', 'https://login.example.com/oauth/token'],
  ['TOKENS_PER_MINUTE', '90000'],
  ['MAX_TOKENS', '4096'],
  ['PASSWORD_MIN_LENGTH', '12'],
  ['PASSWORD_RESET_URL', 'https://shop.example.com/reset?token='],
  ['API_KEY_HEADER', 'X-Api-Key'],
  ['KEY_ID', 'f4ke-f4ke'],
  ['KEYBOARD', 'qwertz'],
  ['MONKEY', 'banana-split'],
  ['DB_USER', 'checkout'],
  ['PASSWORD', ''],
  ['PASSWORD', '   '],
  ['REQUIRE_PASSWORD', 'true'],
  ['USE_TOKEN', 'False'],
  ['AUTH_TOKEN', 'disabled'],
  ['CLIENT_SECRET', 'none'],
  ['DB_PASSWORD', '$(DB_PASSWORD_FROM_SECRET)'],
  ['DB_PASSWORD', '${DB_PASSWORD}'],
  ['DB_PASSWORD', '$DB_PASSWORD'],
  ['DB_PASSWORD', '{{ .Values.db.password }}'],
  ['DB_PASSWORD', '$(USER):$(PASSWORD)'],
  ['AUTH_TOKEN', 'Bearer $(API_TOKEN)'],
  ['TLS_PRIVATE_KEY', '/etc/tls/tls.key'],
  ['GOOGLE_APPLICATION_CREDENTIALS', '/var/secrets/key.json'],
  ['API_TOKEN', 'file:/run/token'],
  ['API_TOKEN', 'vault:secret/data/shop#token'],
  ['API_TOKEN', 'ref+vault://secret/shop#/token'],
  ['API_TOKEN', 'op://vault/item/field'],
  ['NEXT_PUBLIC_API_KEY', 'shown-to-everyone'],
  ['RECAPTCHA_SITE_KEY', 'shown-to-everyone'],
  ['STRIPE_PUBLISHABLE_KEY', 'shown-to-everyone'],
  ['JWT_PUBLIC_KEY', 'shown-to-everyone'],
  ['JWT_SIGNING_KEY', '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----'],
  ['JWT_SIGNING_KEY', '-----BEGIN RSA PUBLIC KEY-----\nMFkw\n-----END RSA PUBLIC KEY-----'],
  ['SIGNING_KEY', '-----BEGIN PGP PUBLIC KEY BLOCK-----'],
  ['CA_CREDENTIALS', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
  ['DEPLOY_ACCESS_KEY', `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${fake(20)} deploy@example.com`],
  ['DEPLOY_ACCESS_KEY', `ssh-rsa AAAAB3NzaC1yc2E${fake(40)}`],
  ['DEPLOY_ACCESS_KEY', `ecdsa-sha2-nistp256 AAAAE2VjZHNh${fake(40)}`],
  ['TENANT_TOKEN', '0b9e7f7e-3a63-4c3e-9d2a-6a2f9f0e8c11'],
  ['TENANT_TOKEN', '0B9E7F7E-3A63-4C3E-9D2A-6A2F9F0E8C11'],
  ['IMAGE_TOKEN', `sha256:${hex(64)}`],
  ['INTEGRITY_TOKEN', 'sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC'],
  ['CHECKSUM', hex(64)],
  ['COMMIT', hex(40)],
  ['DATABASE_URL', 'postgres://db:5432/shop'],
  ['DATABASE_URL', 'postgres://shop@db:5432/shop'],
  ['DATABASE_URL', 'postgres://$(DB_USER):$(DB_PASSWORD)@db:5432/shop'],
  ['DATABASE_URL', 'postgres://app:${PASSWORD}@db/app'],
  ['CALLBACK', 'https://shop.example.com:8443/callback?to=a@b.example.com'],
  ['ENDPOINTS', 'http://a:8080,http://b:8080'],
  ['CONTACT', 'mailto:ops@example.com'],
  ['TIME', '12:30@noon'],
  ['BROKERS', 'kafka-0.kafka:9092,kafka-1.kafka:9092'],
  ['JDBC_URL', 'jdbc:postgresql://db/shop?user=shop&password=${DB_PASSWORD}'],
  ['DSN', 'Server=db;Password=$(DB_PASSWORD);'],
  ['SHOP_HOST', 'shop-sk-production-frontend-blue.example.com'],
  ['TASK', 'task-runner-with-a-very-long-name-indeed'],
  ['LOCALES', 'cs-CZ,sk-SK,en-GB'],
  ['GREETING', 'Hello, world'],
  ['JSON', '{"eyJ":"no token"}'],
  ['LIST', 'a,b,c'],
  ['npm_config_registry', 'https://registry.npmjs.org/'],
  ['BANNER', '-----BEGIN-----'],
  ['ARN', 'arn:aws:iam::123456789012:role/shop'],
  ['MODEL', 'hf_hub'],
  ['DRIVER', 'SG.example'],
];

describe('credentials', () => {
  test('are tried often enough to mean something', () => {
    expect(BY_FORMAT.length + BY_NAME.length).toBeGreaterThanOrEqual(80);
    expect(INNOCENT.length).toBeGreaterThanOrEqual(70);
  });

  test.each(BY_FORMAT)('%s: %j', (kind, value) => {
    expect(credentialIn(value)).toBe(kind);
    expect(credentialIn(`text before ${value} and behind`)).toBe(kind);
    expect(credentialIn(`--flag=${value}`)).toBe(kind);
    expect(holdsCredential('GREETING', value)).toBe(true);
  });

  test.each(BY_NAME)('by name alone: %s %j', (name, value) => {
    expect(saysSecret(name)).toBe(true);
    expect(holdsCredential(name, value)).toBe(true);
    expect(holdsCredential('GREETING', value)).toBe(false);
  });

  test.each(INNOCENT)('innocent: %s %j', (name, value) => {
    expect(holdsCredential(name, value)).toBe(false);
  });

  test.each(BY_FORMAT.filter(([kind]) => !/URL|connection|Web Token|private|Azure|webhook/.test(kind)))(
    '%s is none when cut short: %j',
    (_, value) => {
      expect(credentialIn(value.slice(0, 9))).toBeUndefined();
    },
  );

  test('are named by their kind, never quoted', () => {
    for (const [, value] of BY_FORMAT) expect(value).not.toContain(credentialIn(value) ?? value);
  });
});

describe('saysSecret', () => {
  test.each([
    ['password', true],
    ['Password', true],
    ['DB-PASSWORD', true],
    ['db.password', true],
    ['x-api-key', true],
    ['clientSecret', true],
    ['client_secret', true],
    ['accessToken', true],
    ['SECRET', true],
    ['AWS_ACCESS_KEY_ID', true],
    ['credential', true],
    ['credentials', true],
    ['accessKeyId', true],
    ['accesskeyid', true],
    ['aws.access.key.id', true],
    ['access-key-id', true],
    ['access key id', true],
    ['secretKeyBase', true],
    ['passwd', true],
    ['MYSQL_PWD', true],
    ['passPhrase', true],
    ['adminPassWord', true],
    ['passphrase', true],
    ['signing-key', true],
    ['user_id', false],
    ['database', false],
    ['serial', false],
    ['keyword', false],
    ['chicken', false],
    ['passwordless', false],
    ['secretary', false],
    ['tokenizer', false],
    ['broken', false],
    ['spoken', false],
    ['key', false],
    ['keyboard', false],
    ['PUBLIC_KEY', false],
    ['SITE_API_KEY', false],
    ['pwdx', false],
    ['', false],
    ['PASSWORD'.repeat(100), false],
  ])('%s: %s', (name, expected) => {
    expect(saysSecret(name)).toBe(expected);
  });
});

describe('isPlaceholder', () => {
  const always = [
    'changeme', 'CHANGEME', 'change-me', 'change_me', 'change me', 'changeit', 'change-this', 'replaceme', 'replace-me',
    'REPLACE_ME', 'replace with your token', 'replace-with-real-value', 'your-api-key-here', 'your_token', 'YOUR_PASSWORD',
    '<token>', '<your password>', 'xxx', 'XXXXXXXX', 'todo', 'TODO', 'TODO: ask ops', 'todo set this', 'fixme', 'tbd',
    'placeholder', 'insert-your-key', 'enter_your_key', 'put-your-key-here', 'key-goes-here', 'token_here', ' changeme ',
    'postgres://app:changeme@db/app', 'redis://:<password>@cache',
  ]; // prettier-ignore
  const weak = [
    'test', 'testing', 'admin', 'root', 'example', 'sample', 'default', 'secret', 'password', 'Password', 'passwd',
    '123456', 'qwerty', 'foo', 'dummy', 'your password', 'insert key', 'enter the token', 'put the key here',
  ]; // prettier-ignore
  const never = [
    '', 'x', 'xx', 'todo-app', 'todo_db', 'todos', 'mytodo', 'production', 'insert_overwrite', 'insert-ignore', 'enterprise',
    'http://example.com', 'changelog', 'replacement', 'yourself', 'you', '< 5', 'a < b > c', '<>', 'testing-library',
    'xxl', 'exxxtra', 'f4kepassword', '$(TODO)', 'adhere', 'where', 'sphere', 'postgres://app:$(PASSWORD)@db/app',
  ]; // prettier-ignore

  test.each(always)('%j always', (value) => {
    for (const text of [value, value.toUpperCase(), value.toLowerCase()]) {
      if (text.includes('://') && text !== value) continue;
      expect(isPlaceholder(text, false)).toBe(true);
      expect(isPlaceholder(text, true)).toBe(true);
    }
  });

  test.each(weak)('%j only where a secret belongs', (value) => {
    expect(isPlaceholder(value, false)).toBe(false);
    expect(isPlaceholder(value, true)).toBe(true);
  });

  test.each(never)('%j never', (value) => {
    expect(isPlaceholder(value, false)).toBe(false);
    expect(isPlaceholder(value, true)).toBe(false);
  });

  test.each(['Your order has been shipped', 'Enter your name', 'Click here', 'Insert coin', 'Put it on the list'])(
    '%j is text for people',
    (value) => {
      expect(isPlaceholder(value, false)).toBe(false);
    },
  );
});

describe('one thing, one finding', () => {
  test('a placeholder under a secret name is no credential', () => {
    for (const value of ['changeme', 'test', '<token>']) {
      expect(isPlaceholder(value, true)).toBe(true);
      expect(holdsCredential('API_TOKEN', value)).toBe(false);
    }
  });

  test('a URL with a password is either a credential or a placeholder', () => {
    const password = fc.stringMatching(/^[A-Za-z0-9!*_.-]{1,20}$/);
    fc.assert(
      fc.property(password, (text) => {
        const url = `postgres://app:${text}@db/app`;
        const innocent = isInnocent(text);
        expect([credentialIn(url) !== undefined, isPlaceholder(url, false), innocent].filter(Boolean)).toHaveLength(1);
      }),
    );
  });
});

describe('any text', () => {
  test('is judged without a failure, and alike each time', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), fc.string({ maxLength: 60 }), (value, name) => {
        const first = [credentialIn(value), saysSecret(name), isInnocent(value), isPlaceholder(value, true)];
        expect([credentialIn(value), saysSecret(name), isInnocent(value), isPlaceholder(value, true)]).toEqual(first);
      }),
    );
  });

  // Each repeats the start of some pattern, or a part of it that could be matched in many ways.
  const hostile = [
    'a', 'A', '0', '-', '_', ' ', '\n', '=', '/', ':', '@', '$', '$(', '${', '{{', '$A', '<', '.',
    '-----BEGIN ', '-----BEGIN A A A ', '-----BEGIN RSA PRIVATE KEY', 'AKIA', 'ghp_', 'ghp_a', 'github_pat_', 'glpat-',
    'xoxb-', 'hooks.slack.com/services/T', 'hooks.slack.com/services/Taaaaaaa/B', 'sk-', 'sk-ant-', 'sk-proj-', '-sk-',
    'AIza', 'AIza-', 'hf_', 'sk_live_', 'whsec_', 'SG.', 'SG.aaaaaaaaaaaaaaaa', 'SK0', 'npm_', 'pypi-AgEIcHlwaS5vcmc',
    'dop_v1_', 'hvs.', 'hvs.-', 'dapi', 'glsa_', 'dckr_pat_', 'eyJ', '-eyJ', 'eyJaaaaaaaa.', 'eyJaaaaaaaa.eyJaaaaaaaa.',
    'AccountKey=', 'AccountKey=a', '://', 'a://', 'ab://:', 'ab://a:', 'a+', 'a.', 'a-', ':a', 'a:', 'password=',
    '?password=', ';pwd=a', ' pwd=', 'ssh-', 'BEGIN ', '`', '$__file{', '%(', '[[', '<%', '__A', '!ENV ', 'a:b@', 'a:b@c:1',
    "PASSWORD '", '/', '/a', 'vault:',
  ]; // prettier-ignore

  test.each(hostile)('of many %j takes linear time', (unit) => {
    const texts = (size: number): string[] => {
      const text = unit.repeat(Math.ceil(size / unit.length));
      // The hint makes every pattern run.
      return [text, `://${text}!`, `://ab://${text}`];
    };
    const judge = (all: string[]): void => {
      for (const one of all) {
        credentialIn(one);
        isInnocent(one);
        isPlaceholder(one, true);
        saysSecret(one);
        isSecretLiteral('PASSWORD', one);
      }
    };
    expect(slowdown(texts, judge, 500)).toBeLessThan(LINEAR);
  });
});
