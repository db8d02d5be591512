// Looking up without login.
export default {
  query: {
    title: "Look up", lead: "No login needed. Any two of these three show how an application stands.",
    any_two: "Any two", given_none: "Please fill in any two.", given_one: "One more, and you can look it up.",
    number: "Application number", number_hint: "On the receipt of the submission, for example CD20261122000017",
    identity: "Credit code or ID number", identity_hint: "Credit code of the unit, or ID number of the applicant or the handler",
    phone: "Handler's mobile phone", phone_hint: "The handler's number as given in the application",
    submit: "Look up", again: "Look up again",
    found: "1 application found", found_many: "{count} applications found", updated: "changed {time}", usual: "usually takes: {time}",
    note: " ({note})", yours: "Log in and go on under “My applications”.",
    none: "No application found", none_lead: "What you filled in does not belong together to any submitted application. Compare both items character by character; if somebody else handled it, the phone must be theirs. Drafts that were not submitted are not found.",
    private: "To protect privacy, this shows only how far things are, and not the whole number.",
    limited: "Looked up too often", limited_lead: "So that nobody can try things out, one item and one network can be looked up only so often. Logged in, “My applications” shows everything at any time.",
  },
};
