/**
 * Tells credentials from ordinary configuration: by their format, by the place where they stand, by the name that they
 * stand under. What is found is named by its format; the text itself is never returned.
 */
import { isInnocent, OBJECT_NAME } from './innocent-values.ts';
import {
  connectionPasswords,
  headerCredentials,
  hostPasswords,
  imageLogin,
  sqlPasswords,
  urlPasswords,
} from './password-places.ts';
import { isPlaceholder } from './placeholders.ts';
import { roleOfName, type NameRole } from './secret-names.ts';
import { placedTokenIn, tokenIn } from './token-formats.ts';

/** What each mark, each format of `placedTokenIn` and each place of a password holds. */
const PLACE = /[=@~'\uE000]|-----BEGIN|"auths"|uthorization/;

/** Marks what stands for a credential; of a range of Unicode that is for private use. */
const MARK = '\uE000';
const WITHHELD = /\uE000([^\uE000]{1,64})\uE000/;

/** What to keep of a credential instead of it. @param found - as `credentialIn` names it, which it will do again */
export function withheld(found: string): string {
  return MARK + found + MARK;
}

/**
 * Finds a credential by its format anywhere in a text.
 *
 * @returns what it is (`a GitHub token`), or undefined.
 */
export function credentialIn(text: string): string | undefined {
  const isPlace = PLACE.test(text);
  if (isPlace && text.includes(MARK)) {
    const standsFor = WITHHELD.exec(text);
    if (standsFor !== null) return standsFor[1];
  }
  const token = tokenIn(text) ?? (isPlace ? placedTokenIn(text) : undefined);
  if (token !== undefined || !isPlace) return token;
  if (urlPasswords(text).some(isRealPassword)) return 'a URL with a password';
  if (connectionPasswords(text).some(isRealPassword)) return 'a connection string with a password';
  if (hostPasswords(text).some(isRealPassword)) return LOGIN;
  if (headerCredentials(text).some(isRealPassword)) return 'a credential in a header';
  if (sqlPasswords(text).some(isRealPassword)) return 'a password in SQL';
  return undefined;
}

const LOGIN = 'a login with a password';

/** Finds the password of a login in an image's name. @returns what it is, or undefined */
export function loginIn(image: string): string | undefined {
  const login = imageLogin(image);
  return login !== undefined && isRealPassword(login.password) ? LOGIN : undefined;
}

/** Is a text a password, where one is expected? Weak as it may be: `root` is one too. */
export function isRealPassword(password: string): boolean {
  return !isInnocent(password) && !isPlaceholder(password, false);
}

/** What a credential is called that only its name betrays. */
export const LITERAL = 'a literal credential';

/**
 * Is a value a credential that only its name betrays: `DB_PASSWORD: hunter2`? Placeholders are none; nor is what the value
 * shows to be the name of a Secret, a path, a reference.
 */
export function isSecretLiteral(name: string, value: string): boolean {
  const role = roleOfName(name);
  if (role === undefined) return false;
  if (role === 'key') return looksRandom(value) && !isInnocent(value);
  return !isInnocent(value) && !isPlaceholder(value, true) && !fitsRole(value, role);
}

/** Is a value what a name of this role means if it means no secret? */
function fitsRole(value: string, role: NameRole): boolean {
  switch (role) {
    case 'count':
      return /^[0-9]{1,7}$/.test(value);
    case 'holder':
      return OBJECT_NAME.test(value);
    case 'store':
      return OBJECT_NAME.test(value) && /[-./]/.test(value);
    case 'secret':
    case 'key':
      return false;
  }
}

/** 32 hexadecimal digits, or 20 characters of base64 with all of its kinds of letters. */
function looksRandom(value: string): boolean {
  return (
    /^[0-9a-fA-F]{32,512}$/.test(value) ||
    (/^(?:base64:)?[A-Za-z0-9+/_-]{20,512}={0,2}$/.test(value) &&
      /[A-Z]/.test(value) &&
      /[a-z]/.test(value) &&
      /[0-9]/.test(value))
  );
}
