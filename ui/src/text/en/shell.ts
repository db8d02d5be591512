// The frame and the home page.
export default {
  shell: {
    language: "Language", theme: "Appearance", theme_system: "As the system", theme_light: "Light", theme_dark: "Dark",
    menu: "Account menu", logged_in_password: "by account", logged_in_token: "by certificate", not_logged_in: "Not logged in",
    demo: "Demonstration, not a licensed CA", demo_lead: "Certificates made here have no legal effect. Please enter no real personal data.", demo_desk: "Demo desk",
    skip: "Skip to content", main: "Content", starting: "Starting…",
    service_ok: "Service connected", service_down: "Service not reachable", service_unknown: "Service: not asked yet", service: "Service address",
  },
  key: {
    strip: "State of the USB key",
    reading: "Reading the USB key…",
    none: "No USB key seen", none_lead: "If you have one at hand, plug it into a USB port.",
    no_driver: "No driver for USB keys found", no_driver_lead: "This computer has no driver for the key yet, so the key cannot be seen.",
    driver_failed: "The key's driver has a problem", driver: "Driver file",
    empty: "No certificate on the key yet", not_ready: "The key has not been initialised",
    valid_until: "valid until {date}", days_left: "expires in {days} days", expired: "certificate expired",
    several: "{count} keys", holder: "Holder", label: "Name of the key", maker: "Maker and model", serial: "Serial number", until: "Valid until", pin: "PIN",
    can_log_in: "can be used to log in", cannot_log_in: "cannot be used to log in",
    dialog: "USB keys", dialog_lead: "This updates by itself when a key is plugged in or pulled out.",
    help_none: "Check that the key sits firmly and its light is on, or try another USB port. Under remote desktop, the key must be in the computer this program runs on.",
    help_no_driver: "Install the driver of the key's maker, then choose “Check again”. If you are not sure which one, ask the certificate authority's helpdesk.",
    help_empty: "A new key holds no certificate; that is as it should be. Choose “Apply”, then “New certificate”. Once approved, the certificate is written onto this key.",
    help_not_ready: "This key has no PIN yet. Ask whoever handed it out to initialise it.",
  },
  tries: {
    no_warning: "in order", few: "few PIN tries left", last: "one last PIN try left", locked: "PIN locked", unknown: "the key does not tell how many tries are left",
  },
  home: {
    title: "What would you like to do today?", hello: "Hello, {name}",
    apply: "Apply", apply_lead: "Get, change, renew or revoke a certificate",
    query: "Look up", query_lead: "See how an application stands, without login",
    support: "Support", support_lead: "Drivers for your key, and help",
    announcements: "Revocations", announcements_lead: "Look up revoked certificates",
    applications: "My applications", applications_lead: "Progress, corrections, making the certificate",
    certificates: "My certificates", certificates_lead: "On the key and at the service",
    resume: "Where you left off", resume_lead: "At: {step}", resume_at: "saved {time}", resume_none: "Nothing unfinished",
    discard: "Delete draft", discard_title: "Delete this draft?", discard_lead: "What was typed and the chosen files are removed from this computer for good. The key and submitted applications are not touched.",
    failed: "The program is not ready",
  },
  coming: {
    lead: "This comes with the next version.",
    support: "This page will find out which key driver this computer needs, download it, check it and install it.", support_now: "For now, install the driver from the website of the certificate authority or of the key's maker. Helpdesk: {helpdesk}", support_now_plain: "For now, install the driver from the website of the certificate authority or of the key's maker.",
  },
  business_page: {
    title: "Choose what to apply for", lead: "Logged in: {name}", only_new: "You have no certificate yet, so a new one comes first. Change, renewal and revocation open once it is made.",
    none: "There is nothing to apply for at the moment. Please ask the certificate authority.", has_draft: "There is an unfinished draft; it continues at “{step}”",
  },
};
