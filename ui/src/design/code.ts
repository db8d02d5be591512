// The digits of a code, from whatever somebody typed or pasted.

/** Digits of a code. */
export const CODE_LENGTH = 6;

/** `483920` out of `【证办通】验证码 483920，10 分钟内有效`, `483 920` or `４８３９２０`. */
export function codeIn(text: string): string {
  const plain = text.normalize("NFKC");
  const whole = /(?<!\d)\d{6}(?!\d)/.exec(plain)?.[0];
  return whole ?? plain.replace(/\D/g, "").slice(0, CODE_LENGTH);
}
