// Support: drivers of USB keys.
export default {
  support: {
    title: "Support", lead: "Let this computer see your USB key.",
    why: "Why a driver?", why_lead: "A USB key is like a stick with a chip in it, and every maker's chip speaks its own language. The driver translates: once it is installed, the program can see the key, log in by certificate, make certificates and sign. It is installed once.",
    here: "This computer", key: "USB key",
    key_ready: "The key is seen; no driver is needed.",
    key_none: "A driver is at work but sees no key.", key_none_lead: "Plug the key in firmly and see whether its light is on. If it is still not seen, it may need another maker's driver: look for the name printed on it.",
    key_no_driver: "No driver for USB keys is installed yet.", key_no_driver_lead: "Find the driver of your key below, download and install it.",
    key_failed: "The driver {driver} has a problem.", key_failed_lead: "Pull the key out and plug it in again. If that does not help, download this maker's driver below and install it again.",
    key_reading: "Reading the USB key…", check: "Check again",
    drivers: "Drivers for this computer", several: "Not sure which? Look for the maker or model printed on the key.",
    none: "There is no driver for this computer", none_lead: "The service has no driver for {system} yet. Please ask the helpdesk{helpdesk} how to install your key.",
    others: "{count} more drivers are for other systems and not listed.",
    version: "Version {version}", publisher: "Publisher: {publisher}",
    get: "Download", resume: "Go on downloading", done_of: "{done} of {total} downloaded", cancel: "Cancel download", again: "Download again",
    downloading: "Downloading", checking: "Checking that the file was not altered…",
    ready: "Downloaded and checked", open: "Open the installer",
    opened: "The installer is open", opened_lead: "Follow it in its own window; it may ask for this computer's administrator password. Then plug in the key and choose “Check again”.",
    details: "To compare", sha256: "SHA-256", file: "File name", size: "Size", copy_sha256: "Copy SHA-256", details_lead: "The program checks this by itself after the download. The helpdesk can also compare it with what the publisher states.",
    help: "Still not working?", help_lead: "Please call the helpdesk: {helpdesk}", help_plain: "Please call the authority's helpdesk.", help_say: "Have these three at hand: your system, the maker or model of the key, and what the strip at the bottom of this window says.",
    failed: "The list of drivers could not be fetched",
  },
};
