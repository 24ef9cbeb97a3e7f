/** Which ASCII characters are of a kind, by their codes. */
export function tableOf(isOne: (character: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => Number(isOne(String.fromCharCode(code))));
}
