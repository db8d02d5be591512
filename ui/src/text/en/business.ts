// Choosing a business and a certificate; change, revocation, withdrawal, receipts, and signing with the key.
export default {
  business_not: {
    new: "Not needed while you hold a valid certificate.",
    change: "Not for another handler, phone or address: those are changed under “Account”.",
    renew: "If the name of the unit has changed as well, apply for a change instead.",
    revoke: "Without the key at hand, or without its PIN, report the key as lost instead.",
    replace: "Not needed while the key is there and works.",
  },
  business_act: { new: "Apply", change: "Change", renew: "Renew", revoke: "Revoke", replace: "Replace" },
  choose: {
    title: { new: "Choose a certificate", change: "Which certificate is to change?", renew: "Which certificate is to be renewed?", revoke: "Which certificate is to be revoked?", replace: "Choose a certificate" },
    lead: "Choose one. Where one cannot be chosen, it says why.",
    legend: "Your certificates", not: "Cannot be chosen now", none: "No certificate can be chosen", must: "Choose a certificate first.",
    plugged: "on the plugged-in key “{key}”", unplugged: "on a key that is not plugged in",
    why: {
      revoked: "It has been revoked.", succeeded: "A new certificate took its place.", issued: "It is not in use yet. Make it first, under “My applications”.", expired: "It has expired.",
      renew_later: "It can be renewed from {date} on.", renew_closed: "The time for its renewal ended on {date}.", busy: "{business} ({number}) is under way; finish or withdraw that first.",
      unknown: "The certificate authority has no record of it.", offline: "It cannot be checked with the service now.", draft: "An unfinished draft is about it; submit or delete that first.", other: "This business is not open to it now.",
    },
    lost: "Is the key lost or broken, or its PIN locked?", lost_act: "Report it",
  },
  about: {
    certificate: "The certificate", holder: "Holder", until: "Valid until", serial: "Serial number", reason: "Reason",
    renew_rule: "After the renewal", carries_over: "The days that are left are added to the new certificate.", anew: "The new certificate runs from the day it is issued.",
    old_revoked: "Once the new one is in use, the authority revokes the old one.", old_stays: "The old certificate stays valid until its own end.",
    consequences: "What you should know before", must_tick: "Please read and tick each of them, then go on.",
  },
  change: {
    title: "What changes", lead: "Fill in only what has changed; leave the rest empty.", field: "Item", now: "Now", then: "New: {field}", keep: "No change", nothing: "Fill in at least one item that changes.",
    same: "The same as now: this is no change.", stays: "What stays in the certificate", to: "{from} → {to}", only_to: "to {to}",
  },
  merge: {
    title: "This draft was changed on another computer too", lead: "Items that differ: {count}. Both versions are here and nothing is lost. Please choose for each.",
    mine: "Typed on this computer", theirs: "Typed on the other computer", empty: "(empty)", apply: "Merge as chosen", left: "Still to choose: {count}", open: "differs from what was typed on another computer",
  },
  sign: {
    title: "Sign with the key, without printing", lead: "You logged in with a key, so it can sign the form right here. The authority takes this signature: no printing, stamping or scanning.",
    act: "Sign with the key", busy: "Signing…", done: "The form is signed by the key", done_lead: "The signed form is in step 3 already. If you change anything before it, it has to be signed again.",
    paper: "Print, stamp and scan instead", file_signed: "This form is signed by the key; no scan is needed.", file_offer: "You can go back to “Application form” and sign it with the key in place of a scan.",
    submit: "Signed by the key when you submit", submit_lead: "The key signs what you hand in and asks for its PIN if need be. The service checks the signature and gives you a receipt to keep.",
  },
  revoke: {
    title: "Revoke a certificate", lead: "From then on the certificate is void. This cannot be undone.", which: "The certificate", reason: "Why is it revoked?", must_reason: "Choose the reason.",
    consequences: "What happens then", send: "Revoke this certificate", sending: "Revoking…", pin: "The PIN of the key is needed. The key signs the revocation, and the service gives you a receipt.",
    this_session: "This is the certificate you logged in with. Once it is revoked, save the receipt before you log out: it logs in no more.", pin_title: "Enter PIN to revoke", pin_why: "The key signs the revocation: it is your own decision.",
  },
  withdraw: {
    act: "Withdraw", title: "Withdraw this application?", lead: "The application then ends and is reviewed no further. You can apply again later, but everything has to be filled in and submitted anew.",
    pin: "You logged in with a key, so the key signs the withdrawal and asks for its PIN if need be.", keep: "Not now", confirm: "Withdraw it",
    queue: "Queue it", drop: "Keep it after all", now: "Withdraw now", understood: "I see", because: "{reason}. ", not_taken: "It was not withdrawn and goes on as it stands.",
    away_lead: "You can queue it: it is withdrawn by itself once the service is back. Until then it is reviewed as before, and you can keep it after all.", offline_lead: "You can queue it: it is withdrawn by itself after you log in. Until then it is reviewed as before, and you can keep it after all.",
    badge: { waiting: "Withdrawal queued", sending: "Withdrawing", needs_key: "Withdrawal · needs your key", refused: "Not withdrawn" },
    refused_count: "Not withdrawn: {count}", refused_lead: "The reason stands in the application, which goes on as it is.",
    queued: { waiting: "Queued: withdrawn by itself once the service is back", offline: "Queued: withdrawn by itself after you log in", sending: "Withdrawing…", needs_key: "Your key has to sign the withdrawal", refused: "Not withdrawn" },
    queued_lead: { waits: "Until then it is reviewed as before, and you can keep it after all.", needs_key: "Plug in the key you logged in with, press “Withdraw now” and enter its PIN." },
  },
  receipts: {
    title: "Receipts", lead: "Proof signed by the service of what you did and when. Keep it; it counts in a dispute.", act: { submit: "Submission", withdraw: "Withdrawal" },
    by_key: "signed by your key", by_account: "handed in by account", save: "Save receipt", saved: "Saved as “{name}”.",
  },
};
