// Words the whole program shares.
export default {
  app: { name: "Certdesk 证办通" },
  mark: { colon: ": " },
  act: {
    next: "Next", back: "Back", cancel: "Cancel", close: "Close", confirm: "OK", retry: "Try again", refresh: "Check again",
    save: "Save", open: "View", continue: "Continue", home: "Back to home", log_in: "Log in", log_out: "Log out", register: "Register",
    change_password: "Change password", print: "Print", copy: "Copy", copied: "Copied", show: "Show", hide: "Hide", details: "Details", remove: "Remove",
  },
  status: { saved: "Saved", saving: "Saving…", loading: "Loading…", working: "One moment…", optional: "optional" },
  business: { new: "New certificate", change: "Change", renew: "Renewal", revoke: "Revocation", replace: "Replacement" },
  business_lead: {
    new: "Your first application for a digital certificate starts here.",
    change: "The name of the unit, its legal representative or yourself has changed: get a certificate that says so.",
    renew: "The certificate is about to expire: get a new one to go on with.",
    revoke: "The certificate is no longer used and shall be void from now on.",
    replace: "The key was lost or broken: get a certificate again after reporting it.",
  },
  account_kind: { enterprise: "Company", individual: "Private person", authority: "Competent department" },
  id_kind: {
    resident_id: "Resident identity card", passport: "Passport", hk_macao_permit: "Hong Kong and Macao resident permit", taiwan_permit: "Taiwan resident permit",
    foreign_permanent_resident: "Foreign permanent resident card", officer_id: "Military officer ID",
  },
  state: {
    draft: "Draft", submitted: "Submitted", in_review: "In review", needs_correction: "Returned for correction", approved: "Approved", awaiting_issuance: "Ready to be made",
    completed: "Completed", rejected: "Rejected", withdrawn: "Withdrawn",
  },
  next_actor: { applicant: "Your turn", service: "With the reviewers", nobody: "Closed" },
  step: { handler: "Handler details", form: "Application form", files: "Upload files", submit: "Submit" },
  field: {
    kind: "Kind of account",
    "organisation": {
      name: "Name of the unit", credit_code: "Unified social credit code",
      legal_representative: { name: "Legal representative", id_kind: "Representative's kind of ID", id_number: "Representative's ID number" },
    },
    contact: { name: "Contact person", id_kind: "Contact's kind of ID", id_number: "Contact's ID number" },
    applicant: { name: "Name", id_kind: "Kind of ID", id_number: "ID number" },
    person: { name: "Handler", id_kind: "Handler's kind of ID", id_number: "Handler's ID number" },
    credit_code: "Unified social credit code",
    phone: "Mobile phone", email: "E-mail",
    address: { region: "Region", detail: "Postal address" },
    province: "Province", city: "City", district: "District",
  },
};
