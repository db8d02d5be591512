// 注销公告: what was revoked.
export default {
  announcements: {
    title: "Revoked certificates", lead: "Every revoked certificate is announced here. No login needed.",
    list: "Announcements", search: "Search", search_label: "Holder or serial number", search_hint: "Any part of the name, or at least the first 8 digits of the serial number.",
    from: "Revoked from", to: "to", clear: "Clear", dates_wrong: "The first date is after the last. Please change one of them.",
    serial: "Serial number", revoked_at: "Revoked", crl: "Revocation list no. {number}",
    count: "{count} shown", more: "More", end: "That is all",
    empty: "Nothing has been announced yet", empty_lead: "When a certificate is revoked, it appears here.", none: "No announcement fits", none_lead: "Check the name or number, or widen the dates. No announcement does not mean that a certificate is valid: you can check one under “Is this certificate revoked?”.",
    offline: "The service cannot be reached, so the latest announcements are not here.",
    reason: {
      unspecified: "No reason given", key_compromise: "Key lost or exposed", ca_compromise: "The authority's key was compromised", affiliation_changed: "The holder's details changed", superseded: "Replaced by a new certificate",
      cessation_of_operation: "No longer used", certificate_hold: "Suspended", privilege_withdrawn: "Permission withdrawn", aa_compromise: "An attribute authority's key was compromised",
    },
  },
  revocation: {
    title: "Is this certificate revoked?", lead: "Choose a certificate file or use the key that is plugged in. The program checks the list that the authority signed.",
    pick: "Choose a certificate file", key: "Check the key “{key}”", no_key: "Plug in a USB key to check the certificate on it.", checking: "Checking the revocation list…",
    status: { revoked: "Revoked", good: "Not revoked", unknown: "Not certain" },
    revoked_lead: "Revoked {time}. Reason: {reason}. Do not trust new signatures made with it.",
    good_lead: "It is not on the list that the authority made {time} (no. {number}).", good_expired: "But it has expired and can no longer log in or sign.", good_early: "But it is not valid yet.",
    unknown: {
      offline: "The service cannot be reached and there is no usable list on this computer. Connect and try again.",
      stale: "The list on this computer is too old and the service gave no newer one. Connect and try again.",
      other_issuer: "It was not issued by this authority. Ask the issuer named in the certificate.",
      bad_list: "The list that the service gave did not pass the check and is not used. Try again later; if it stays so, contact the authority.",
      rolled_back: "The list that the service gave is older than one seen before and is not used. Try again later; if it stays so, contact the authority.",
      clock: "This computer's clock is behind the list. Set the clock and try again.",
    },
    unknown_lead: "Until this is settled, do not take it for valid.",
    holder: "Holder", issuer: "Issuer", valid: "Validity", valid_range: "{from} to {to}",
  },
};
