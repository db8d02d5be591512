// Certificates of the fake program: `MIXED`, one of each standing; `LIFE`, one of each turn a certificate's life takes.
import type { CertificateView } from "../src/bindings";

const DAY = 86_400_000;
const at = (days: number) => new Date(Date.now() + days * DAY).toISOString();

const PEM = `-----BEGIN CERTIFICATE-----\n${Array.from({ length: 18 }, (_, row) => "MIID8zCCAtugAwIBAgIUXzqRkL0fYyqB1o7m3o2b4mXw9XkwDQYJKoZIhvcNAQEL".slice(row % 5) + "ABCDE".slice(0, row % 5)).join("\n")}\n-----END CERTIFICATE-----\n`;
export function certificate(more: Partial<CertificateView>): CertificateView {
  const days = more.days_left ?? 203;
  return {
    fingerprint: "3f9a".repeat(16), holder: "福州云帆测试科技有限公司", issuer: "云帆演示认证中心", serial: "5f3a91c2e07b4d18a6639b20", not_before: at(days - 365), not_after: at(days + 0.5), days_left: days, key_algorithm: "RSA 2048",
    usages: ["digitalSignature", "nonRepudiation", "clientAuth"], status: "active", renewal: null, businesses: [], successor: null, revocation: null, on_keys: ["k1"], has_private_key: true,
    details: [["Version", "3"], ["Serial number", "5f3a91c2e07b4d18a6639b20"], ["Signature algorithm", "ECDSA with SHA-256 (1.2.840.10045.4.3.2)"], ["Issuer: CN (2.5.4.3)", "云帆演示认证中心"], ["Valid from", "2026-06-12 08:00:00 UTC"], ["Valid until", "2027-06-12 08:00:00 UTC"], ["Subject: CN (2.5.4.3)", "福州云帆测试科技有限公司"], ["Public key", "RSA 2048"], ["Public key SHA-1 (CKA_ID)", "9c1185a5c5e9fc54612808977ee8f548b2258d31"], ["Key usage (2.5.29.15) (critical)", "digitalSignature, nonRepudiation"], ["Extended key usage (2.5.29.37)", "clientAuth"], ["SHA-256 fingerprint", "3f9a".repeat(16)], ["SHA-1 fingerprint", "77b2".repeat(10)]],
    pem: PEM, ...more,
  };
}
export const MIXED: CertificateView[] = [
  certificate({}),
  certificate({ fingerprint: "01".repeat(32), serial: "7710aa", days_left: 64, on_keys: [], has_private_key: false }),
  certificate({ fingerprint: "02".repeat(32), serial: "7710ab", days_left: 9, holder: "林小满" }),
  certificate({ fingerprint: "03".repeat(32), serial: "0c22", days_left: 412, holder: "福州云帆测试科技有限公司（备用）", issuer: "另一家认证机构 CA", status: null, has_private_key: false }),
  certificate({ fingerprint: "04".repeat(32), serial: "7710ac", days_left: 364, status: "issued", on_keys: [], has_private_key: false }),
  certificate({ fingerprint: "05".repeat(32), serial: "4401", days_left: -12, status: "expired" }),
  certificate({ fingerprint: "06".repeat(32), serial: "4402", days_left: 120, status: "revoked", on_keys: [] }),
];

const renewal = (opens: number, closes: number) => ({ opens_at: at(opens), closes_at: at(closes) });
export const LIFE: CertificateView[] = [
  certificate({ fingerprint: "01".repeat(32), serial: "7710aa", days_left: 21, renewal: renewal(-69, 51), businesses: ["change", "renew", "revoke"] }),
  certificate({ fingerprint: "02".repeat(32), serial: "7710ab", days_left: 48, renewal: renewal(-42, 78), businesses: ["change", "renew", "revoke"], on_keys: ["k2"], holder: "福州云帆测试科技有限公司（投标专用）" }),
  certificate({ fingerprint: "03".repeat(32), serial: "7710ac", days_left: 60, renewal: renewal(-30, 90), businesses: [], on_keys: [] }),
  certificate({ fingerprint: "04".repeat(32), serial: "7710ad", days_left: 203, renewal: renewal(113, 233), businesses: ["change", "revoke"], on_keys: [] , holder: "福州云帆测试科技有限公司（财务）" }),
  certificate({ fingerprint: "05".repeat(32), serial: "7710ae", days_left: 12, status: "active", businesses: [], successor: "7710ad", renewal: null }),
  certificate({ fingerprint: "06".repeat(32), serial: "4402", days_left: 120, status: "revoked", on_keys: [], has_private_key: false, revocation: { at: at(-20), reason: "superseded" } }),
  certificate({ fingerprint: "07".repeat(32), serial: "4401", days_left: -40, status: "expired", renewal: renewal(-130, -10), businesses: [], on_keys: [] }),
];
