// What can be typed and chosen under network settings.

/** KiB a second that can be chosen as the most for files. */
export const LIMITS = [32, 64, 128, 256, 512, 1024, 2048] as const;

/** A port as typed; `null` for what is none. */
export function portOf(typed: string): number | null {
  const port = /^\d{1,5}$/.test(typed.trim()) ? Number(typed) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}
