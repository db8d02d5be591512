// Personal data on show: enough to recognise what one knows. The same rules as the program's own (`domain::mask`).
function keep(value: string, first: number, last: number): string {
  const characters = [...value];
  return characters.map((character, index) => (index < first || index + last >= characters.length ? character : "*")).join("");
}

/** `110105********002X` */
export function idNumber(number: string): string {
  const length = [...number].length;
  if (length >= 18) return keep(number, 6, 4);
  return length >= 8 ? keep(number, 2, 2) : keep(number, 1, 0);
}

/** `138****5678` */
export function phone(number: string): string {
  return [...number].length >= 11 ? keep(number, 3, 4) : keep(number, 1, 1);
}
