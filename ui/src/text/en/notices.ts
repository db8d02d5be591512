// Notices.
export default {
  notices: {
    title: "Notices", lead: "When a case moves on or a certificate is about to end, you read it here.",
    unread: "{count} unread", none_unread: "Nothing unread", menu: "Notices, {count} unread", fresh: "unread",
    all_read: "Mark all as read", refresh: "Refresh",
    empty: "No notices yet", empty_lead: "Once you have applied or hold a certificate, whatever needs you is told here.",
    offline: "The service cannot be reached", offline_lead: "Below are the notices as last seen; when certificates end is worked out with this computer's clock.",
    today: "Today", yesterday: "Yesterday",
    state: {
      draft: "“{business}” is not handed in yet", submitted: "“{business}” was handed in", in_review: "“{business}” is in review", needs_correction: "“{business}” was returned for correction", approved: "“{business}” was approved",
      awaiting_issuance: "“{business}” was approved: make the certificate", completed: "“{business}” is done", rejected: "“{business}” was rejected", withdrawn: "“{business}” was withdrawn",
    },
    state_lead: {
      draft: "Go on filling it in, then hand it in.",
      submitted: "It waits for a reviewer. There is nothing to do for you.",
      in_review: "A reviewer is looking at it. There is nothing to do for you.",
      needs_correction: "Some places need a change; then hand it in again. The number stays.",
      approved: "The authority prepares the certificate. There is nothing to do for you.",
      awaiting_issuance: "Plug in the key and have the certificate made on it; about one minute.",
      completed: "This case is closed.",
      rejected: "See why; once all is ready you can apply again.",
      withdrawn: "This case is closed.",
    },
    ends: "Certificate ends on {date}", ends_in: "{days} days left", ends_today: "ends today", ended: "Certificate has ended", ended_on: "ended on {date}",
    ends_lead: "Holder: {holder}. Please renew soon.", ended_lead: "Holder: {holder}. With an ended certificate nobody can log in or sign.", older: "Holder: {holder}",
    revoked: "Certificate was revoked", revoked_lead: "Holder: {holder}. It can no longer be used to log in or sign.",
    number: "Number {number}",
    act_renew: "Renew", act_calendar: "Add to calendar", calendar_saved: "Calendar file saved: {name}. Open it with your calendar to be reminded in time.", calendar_gone: "This certificate is neither on a key nor at the service, so there is no calendar file. Plug in its key and try again.",
  },
};
