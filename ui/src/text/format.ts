// Dates, sizes and durations as people of the chosen language write them.
import { locale } from "./index";

export function date(instant: string): string {
  return new Intl.DateTimeFormat(locale(), { year: "numeric", month: "long", day: "numeric" }).format(new Date(instant));
}

export function dateTime(instant: string): string {
  return new Intl.DateTimeFormat(locale(), {
    year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).format(new Date(instant));
}

/** `14:03` */
export function timeOfDay(instant: string): string {
  return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(instant));
}

/** When something was seen: today the hour says it. */
export function moment(instant: string): string {
  return new Date(instant).toDateString() === new Date().toDateString() ? timeOfDay(instant) : dateTime(instant);
}

/** `14:03:05` */
export function clock(instant: string): string {
  return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(new Date(instant));
}

/** `3.2 MB`: powers of 1024, as the limits of the service are meant. */
export function bytes(count: number): string {
  const units = ["B", "KB", "MB", "GB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 }).format(value)} ${units[unit]}`;
}

/** `1:05` */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Whole days from now to `instant`, negative once it is over. */
export function daysLeft(instant: string, now = Date.now()): number {
  return Math.floor((new Date(instant).getTime() - now) / 86_400_000);
}

/** `3 天`, `5 小时`, `40 分钟`: in the unit that says enough. */
export function span(minutes: number): string {
  const [value, unit] = minutes >= 2880 ? [minutes / 1440, "day"] : minutes >= 120 ? [minutes / 60, "hour"] : [minutes, "minute"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit: unit as string, unitDisplay: "long", maximumFractionDigits: 0 }).format(value as number);
}
