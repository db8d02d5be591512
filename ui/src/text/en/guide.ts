// The four-step guide and the receipt.
export default {
  guide: {
    title: "Application guide", steps: "Application guide", back: "Back", go_to: "Go to: {step}", remark: "The reviewer's remark",
    saved_at: "Saved {time}", not_saved: "Not saved yet", save_again: "Save again", not_saved_lead: "What you just typed is still on the page and is not lost. The program tries again by itself; you can also try now.",
    handed_in: "This application has been submitted", handed_in_lead: "It can no longer be changed. See “My applications” for how it goes.", to_application: "View this application",
    correction: { title: "This application needs correction", lead: "Change only what the reviewer points out, then submit once more. Everything else stays, the application number too." },
    notes: {
      title: "Before you start: {business}", lead: "Take a minute to see what you will need.", know: "Good to know", files: "Documents needed",
      ca: "Certificate authority", fees: "Fees", validity: "Validity in years", years: "{years}", helpdesk: "Questions", accept: "I have read this, start", again: "Read the notes again",
    },
    handler: {
      lead: "What is known already has been filled in; please check it. Everything is saved as you type, so you may leave at any time.",
      unit: "The unit", person: "Handler", address: "Postal address", unchanged: "Stays as it is", lead_change: "First what changes, then the handler. Everything is saved as you type, so you may leave at any time.",
      phone_hint: "The reviewers call this number if they have a question", email_hint: "For notices about this application",
      form_again: "After a change the form is made anew; it has to be printed, signed, stamped and uploaded again.",
    },
    form: {
      lead: "The form has been made from what you entered. Check it, then save or print it.", lead_sign: "The form has been made from what you entered. Check it, then sign it.", making: "Making the form…", label: "Application form", save_copy: "Save a copy", saved: "Saved as “{name}”.",
      then: "What to do next", then_print: "Print the form; without a printer here, save a copy and print it elsewhere.", then_seal: "The handler signs it, and the unit stamps it.", then_sign: "Sign it.", then_scan: "Scan it in colour, or take a clear photograph.", then_upload: "Upload it in step 3.",
      rare_title: "A character cannot be printed yet", rare_lead: "The form's typeface does not have “{glyphs}”. The program never puts a blank or a box instead, so it stops here. Please check the entry; if the character is right, ask the certificate authority for help. Everything you entered is saved.", rare_check: "Check the entry",
    },
    pdf: { page: "Page {page} of {pages}", zoom: "Zoom", smaller: "Smaller", larger: "Larger", fit: "Fit width", failed: "This PDF cannot be opened; it may be damaged." },
    consent: {
      title: "Separate consent for sensitive data", lead: "Next come copies of IDs and the commitment video. They need your separate consent.",
      accept: "I have read this and consent to the processing of the sensitive data above", must_accept: "Read to the end and tick, then go on. If you do not consent, you can apply at a counter.", next: "Consent and continue",
    },
    files: {
      lead: "Upload starts as soon as a file is picked. It goes on by itself after a lost network or a closed program.", progress: "Documents uploaded", met: "{met} of {asked} complete",
      pick: "Choose a file", pick_more: "Choose another", or_drop: "or drop it here", full: "That is enough. To replace a file, remove it first.", unchanged: "Needs no correction.",
      and: ", ", or: " or ",
      missed: "Drop the file on the document it belongs to.", at_most: "up to {size} each", count_exact: "number of files: {max}", count_most: "files: at most {max}", count_between: "{min} to {max} files", seconds: "{min} to {max} seconds",
      asked: "What is asked for: {asked}", pixels: "{width} × {height} pixels", length: "{length} long", elsewhere: "at the service, not on this computer",
      state_done: "Uploaded", state_uploading: "Uploading", state_missing: "Missing", state_failed: "Failed", state_optional: "Optional",
      form_outdated: "The form's content has changed. If this copy is of the old form, remove it; print, sign and stamp the new one and upload that.", next_anyway: "Look at the next step",
    },
    upload: {
      queued: "Waiting its turn", hashing: "Reading the file…", sending: "{done} of {total} uploaded", waiting: "Waiting for the network", waiting_because: "{reason}. The upload goes on by itself.", done: "Uploaded", failed: "Not uploaded", cancelled: "Stopped",
      progress: "Upload", cancel: "Stop upload", again: "Go on uploading", said_done: "{name} has been uploaded.", said_failed: "{name} could not be uploaded.",
    },
    remove: { title: "Remove this file?", lead: "“{name}” is removed from this application. The file on your computer stays.", confirm: "Remove" },
    preview: { picture: "Preview of {name}", too_large: "Too large for a preview here. It is uploaded all the same.", damaged: "This picture cannot be shown; it may be damaged. Open it in another program, and scan it again if need be.", unplayable: "This computer lacks what it takes to play this video here. It is uploaded all the same; to watch it first, use another player." },
    script: { label: "Read this aloud", open: "Show in large type", title: "Words to read", lead: "Face the camera, record with a phone, and read all of it: {min} to {max} seconds.", size: "Size of type", smaller: "Smaller type", larger: "Larger type" },
    submit: {
      lead: "Check everything once more. After submission it goes to the reviewers.", lead_open: "Almost there; these come first.", open: "Still open: {count}",
      open_consent: "No consent for sensitive data yet", open_missing: "{title}: files are missing", open_form: "{title}: neither signed nor uploaded yet", open_consequences: "The notes are not ticked yet", open_uploading: "{title}: still uploading", open_failed: "{title}: not uploaded", open_cancelled: "{title}: upload stopped",
      subject: "Application", business: "Business", account: "Applicant", files: "Form and files", form: "Application form", form_made: "Made, pages: {pages}, {size}", look: "Open",
      declare: "I declare that all of this is true, complete and valid", declare_lead: "The applicant answers for what is not.", must_declare: "Tick the declaration, then submit.", send: "Submit", send_again: "Submit again", sending: "Submitting…",
    },
  },
  receipt: {
    title: { submitted: "Submitted", ready: "Accepted: the certificate can be made", revoked: "The certificate is revoked", done: "Done" },
    lead: { submitted: "Everything is with the reviewers. You may close the program now.", ready: "This needs no review. Plug in the key; the new certificate can be made now.", revoked: "From now on it is void. It will be listed under “Revocations”.", done: "This application has ended." },
    proof: "Signature", file: "Signed receipt", file_lead: "Save a copy. In a dispute it proves what you handed in and when.", business: "Business", issue: "Make it now", number: "Application number", time: "Submitted", actor: "Next", copy: "Copy number",
    next: "What happens next", review: "The documents are reviewed", review_lead: "Nothing for you to do; “My applications” shows how it goes.",
    correction: "If something needs correction, it is named item by item", correction_lead: "Open it under “My applications” and change only that.",
    issuance: "Once approved, the certificate is made", issuance_lead: "Plug in the key, enter its PIN, and make it in this program.", published: "Once approved, the certificate is revoked", published_lead: "From then on it is void and listed under “Revocations”.", applications: "View my applications", helpdesk: "Questions: {helpdesk}",
  },
};
