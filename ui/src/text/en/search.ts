// Search: one box for applications, drafts, certificates, notices and announcements.
export default {
  search: {
    open: "Search", title: "Search applications, certificates, notices and announcements", placeholder: "Number, name, pinyin initials or date", results: "What was found",
    hint: "Type an application number (or its last digits), any part of the name of a unit or handler, its pinyin or initials, or a date such as 2026-11-22.", hint_logged_out: "Once you are logged in, your applications, drafts and notices are found as well. Announcements, and certificates on plugged-in keys, are found without.",
    group_applications: "My applications", group_drafts: "Drafts", group_certificates: "Certificates", group_notices: "Notices", group_announcements: "Revocation announcements",
    draft: "Draft: {business}", found: "{count} found", none: "Nothing found for “{question}”", none_lead: "Try fewer characters, or only the last digits of the number.",
    more_applications: "Show all applications that fit", more_certificates: "Show all my certificates", more_notices: "Show all notices", more_announcements: "Show all announcements that fit",
    offline: "The service cannot be reached: only what this computer has seen is searched, announcements are not.", keys: "↑ ↓ to choose, Enter to open, Esc to close",
  },
};
