// Answers for 注销公告. Words of the address: `announced=none`, `revocation=revoked|good|expired|offline|stale|other_issuer|bad_list`.
import type { Announcement, AnnouncementQuery, RevocationAnswer, RevocationReason, UnknownWhy } from "../src/bindings";
import type { Answers } from "./fake";

const DAY = 86_400_000;
const at = (days: number) => new Date(Date.now() + days * DAY).toISOString();
const NAMES = ["福州云帆测试科技有限公司", "厦门海沧林测试商行（个体工商户）", "王䶮", "泉州市丰泽区示例工作室", "Fuzhou Sail Testing Ltd", "林小满"];
const REASONS: RevocationReason[] = ["key_compromise", "superseded", "cessation_of_operation", "affiliation_changed", "unspecified"];
const all: Announcement[] = Array.from({ length: 120 }, (_, i) => ({
  serial: (0x5f3a91c204d7e8n * BigInt(i + 7919) * 0x9e3779b97f4a7c15n).toString(16).slice(0, 32), subject: NAMES[i % NAMES.length]!, revoked_at: at(-i * 0.7 - 0.2), reason: REASONS[i % REASONS.length]!, crl_number: 240 - i,
}));

export function announcementAnswers(wanted: URLSearchParams): Answers {
  const answer = (): RevocationAnswer => {
    const kind = wanted.get("revocation") ?? "good";
    const certificate = { holder: "福州云帆测试科技有限公司", issuer: "云帆演示认证中心 签发 CA", serial: "5f3a91c204d7e8b1604a9c33d21e7f08", not_before: at(-400), not_after: at(kind === "expired" ? -35 : 203) };
    if (kind === "revoked") return { certificate, status: { kind, at: at(-2), reason: "key_compromise", crl_number: 241 } };
    if (kind === "good" || kind === "expired") return { certificate, status: { kind: "good", as_of: at(-0.1), crl_number: 241 } };
    return { certificate, status: { kind: "unknown", why: kind as UnknownWhy } };
  };
  return {
    announcements: ({ query }: { query: AnnouncementQuery }) => {
      const fits = wanted.get("announced") === "none" ? [] : all.filter(({ subject, serial, revoked_at }) =>
        (subject.includes(query.search) || (query.search.length >= 8 && serial.startsWith(query.search))) && (query.from ?? "") <= revoked_at && revoked_at < (query.to ?? "9"));
      const start = Number(query.cursor ?? 0);
      return { announcements: fits.slice(start, start + 50), next: fits.length > start + 50 ? String(start + 50) : null };
    },
    check_revocation_of_file: answer,
    check_revocation_of_key: answer,
  };
}
